// Sigstore's own servers, for tests, each with storage in memory or in a folder of the test's. `../../install-peers` builds this, and
// `test_support::sigstore` starts it.
package main

import (
	"fmt"
	"os"

	"peers/serve"
)

func main() {
	serve.EndWithInput()
	if len(os.Args) < 2 {
		serve.Fail(fmt.Errorf("usage: %s ca|rekor|tiles OPTIONS", os.Args[0]))
	}
	name := os.Args[1]
	// The servers read their options from here themselves.
	os.Args = append(os.Args[:1:1], os.Args[2:]...)
	servers := map[string]func() error{
		"ca":    certificateAuthority,
		"rekor": rekor,
		"tiles": tiles,
	}
	server, known := servers[name]
	if !known {
		serve.Fail(fmt.Errorf("there is no server %q", name))
	}
	serve.Fail(server())
}
