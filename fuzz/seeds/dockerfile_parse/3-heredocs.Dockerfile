FROM debian AS a
RUN <<EOT
set -e
echo one
EOT
RUN <<-'EOT' sh -x
	echo "$HOME"
	EOT
RUN cat <<A > /a && cat <<B > /b
first
A
second
B
RUN python3 <<PY
print(1 << 3)
PY
RUN echo $((1<<3)) "<<NOT" '<<NEITHER' a<<b
RUN <<SCRIPT
#!/usr/bin/env python3
print("hi")
SCRIPT
COPY <<one.txt <<"two.txt" --not-a-flag /dest/
$HOME is ${HOME:-unset}
one.txt
$HOME stays
two.txt
COPY <<-EOT /tabs
		deep
	EOT
ONBUILD RUN <<EOT
later
EOT
