// Sigstore's timestamp authority (RFC 3161) with a key in memory, for tests.
//
// It is a program of its own because it and Rekor define the same global flags.
package main

import (
	"net/http"
	"net/http/httptest"

	"github.com/sigstore/timestamp-authority/v2/pkg/server"
	"github.com/spf13/viper"

	"peers/serve"
)

func main() {
	serve.EndWithInput()
	serve.Fail(timestamps())
}

func timestamps() error {
	viper.Set("timestamp-signer", "memory")
	viper.Set("timestamp-signer-hash", "sha256")
	// As the public instance answers.
	viper.Set("use-http-201", true)
	viper.Set("default-policy-oid", "1.3.6.1.4.1.57264.2")
	viper.Set("accepted-policy-oids", []string{"1.3.6.1.4.1.57264.2"})

	api := server.NewRestAPIServer("127.0.0.1", 0, []string{"http"}, false, 0, 0)
	listener, err := serve.Listen(0)
	if err != nil {
		return err
	}
	chain := httptest.NewRecorder()
	api.GetHandler().ServeHTTP(chain, httptest.NewRequest(http.MethodGet, "/api/v1/timestamp/certchain", nil))
	if err := serve.Ready(map[string]any{"url": serve.URL(listener), "chain": chain.Body.String()}); err != nil {
		return err
	}
	return http.Serve(listener, api.GetHandler())
}
