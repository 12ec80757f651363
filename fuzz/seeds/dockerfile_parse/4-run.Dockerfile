FROM debian AS tools
FROM debian
WORKDIR /src
RUN --mount=type=cache,id=apt,target=/var/cache/apt,sharing=locked \
    --mount=type=bind,from=tools,source=/usr/bin,target=tools,rw \
    --mount=type=tmpfs,target=/tmp,size=64m \
    --mount=type=secret,id=npm,required,mode=0440,uid=10 \
    --mount=type=ssh \
    --network=none --security=sandbox \
    make --jobs=2
RUN ["/bin/echo", "a b", "$HOME"]
RUN ["unterminated", "json"
RUN [ -f x ] && echo yes
RUN --mount=type=secret,id=token,env=TOKEN echo "$TOKEN"
