// Package serve is what the servers of this folder have in common.
package serve

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
)

// EndWithInput ends this program with its standard input, so that no server outlives a test that is killed.
func EndWithInput() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
}

// Fail ends this program.
func Fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// Listen binds a port of this machine alone: the given one, or with 0 any.
func Listen(port int) (net.Listener, error) {
	return net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
}

// URL is where a server is.
func URL(listener net.Listener) string {
	return "http://" + listener.Addr().String()
}

// Ready tells the test in one line that the server answers, and what it has to know.
func Ready(facts map[string]any) error {
	line, err := json.Marshal(facts)
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(line))
	return err
}
