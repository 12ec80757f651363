ARG BASE=docker.io/library/alpine
ARG VERSION=3.20.1
ARG SUFFIX
FROM --platform=$BUILDPLATFORM ${BASE}:${VERSION%.*}${SUFFIX:+-$SUFFIX} AS base
ARG VERSION
ARG NAME=app-${VERSION} LABEL
ENV V=${VERSION:-none} W=${MISSING:+x}y

FROM base AS build
RUN echo "$NAME $V"

FROM unused:1 AS never
RUN exit 1

FROM ${SUFFIX:-scratch}
ARG TARGETARCH
COPY --from=build /out /bin/${TARGETARCH}
COPY --from=0 /etc/os-release /
