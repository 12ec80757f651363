// CUE's registry in memory, for tests: unlike Debian's it has the referrers API, and says so with `OCI-Subject`.
package main

import (
	"net/http"

	"cuelabs.dev/go/oci/ociregistry/ocimem"
	"cuelabs.dev/go/oci/ociregistry/ociserver"

	"peers/serve"
)

func main() {
	serve.EndWithInput()
	serve.Fail(registry())
}

func registry() error {
	listener, err := serve.Listen(0)
	if err != nil {
		return err
	}
	if err := serve.Ready(map[string]any{"url": serve.URL(listener)}); err != nil {
		return err
	}
	return http.Serve(listener, ociserver.New(ocimem.New(), nil))
}
