# The ignore file beside this Dockerfile, and not .dockerignore, is the one that counts.
FROM scratch
COPY . /
