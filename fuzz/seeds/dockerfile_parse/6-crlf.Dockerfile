from debian:12 as Build
label a=1 "b c"="d e" f='g $h'
ENV legacy some  value
env X="a\"b" Y=a\ b Z=
healthcheck --interval=1m30s --retries=3 \
  cmd curl -f http://localhost/ || exit 1
onbuild copy . /app
maintainer Somebody <s@example.com>
expose 80 8000-8002/udp
volume /data /logs
volume ["/json path"]
stopsignal SIGQUIT
user app:staff
shell ["/bin/bash", "-c"]
run <<EOF
line one
EOF
cmd echo done \