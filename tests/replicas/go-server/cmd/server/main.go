package main

var version, commit, built string

func main() {
	serve(version, commit, built)
}
