FROM scratch
WORKDIR /app
COPY --chown=10:20 --chmod=u=rwX,go=rX --link src/*.rs lib?/ ./
COPY --parents --exclude=*.tmp --exclude=**/.git packages/./*/package.json /out/
COPY ["with space.txt", "and \"quote\"", "dest dir/"]
COPY a\ b.txt /escaped
ADD --checksum=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa https://example.com/dir/file.tar.gz?x=1 /dl/
ADD --keep-git-dir=true https://example.com/repo.git#v1.2:sub/dir /git
ADD git@example.com:org/repo.git#main /git2/
ADD --chown=app archive.tar.gz /
ADD --unpack=false archive.tar.gz /archive/
