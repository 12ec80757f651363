package main

import (
	"context"
	"flag"
	"net"
	"net/http"

	"github.com/go-openapi/loads"
	"github.com/sigstore/rekor/pkg/api"
	"github.com/sigstore/rekor/pkg/generated/restapi"
	"github.com/sigstore/rekor/pkg/generated/restapi/operations"
	"github.com/sigstore/rekor/pkg/types"
	"github.com/sigstore/rekor/pkg/types/dsse"
	_ "github.com/sigstore/rekor/pkg/types/dsse/v0.0.1"
	"github.com/sigstore/rekor/pkg/types/hashedrekord"
	_ "github.com/sigstore/rekor/pkg/types/hashedrekord/v0.0.1"
	"github.com/sigstore/rekor/pkg/types/intoto"
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.1"
	_ "github.com/sigstore/rekor/pkg/types/intoto/v0.0.2"
	"github.com/sigstore/rekor/pkg/types/rekord"
	_ "github.com/sigstore/rekor/pkg/types/rekord/v0.0.1"
	"github.com/spf13/viper"

	"peers/serve"
)

// rekor is the first version of the log, with the kinds of entries that container signatures use and without its search index.
//
// Its key is in a file, and its port can be given: a log that comes back is found by who trusted it before. Its entries are gone.
func rekor() error {
	key := flag.String("key", "", "file of the log's private key")
	port := flag.Int("port", 0, "port, by default any")
	flag.Parse()

	ctx := context.Background()
	trees, err := newMerkleTrees(ctx)
	if err != nil {
		return err
	}
	tree, err := trees.plant(ctx)
	if err != nil {
		return err
	}
	// Clients compare it with the log's address.
	viper.Set("rekor_server.hostname", "127.0.0.1")
	viper.Set("rekor_server.signer", *key)
	viper.Set("trillian_log_server.address", "127.0.0.1")
	viper.Set("trillian_log_server.port", trees.listener.Addr().(*net.TCPAddr).Port)
	viper.Set("client-signing-algorithms", []string{})
	viper.Set("enabled_api_endpoints", []string{
		"getLogInfo", "getPublicKey", "getLogProof", "createLogEntry", "getLogEntryByIndex", "getLogEntryByUUID", "searchLogQuery",
	})
	types.SetAllowedKindsForSubmission([]string{hashedrekord.KIND, dsse.KIND, intoto.KIND, rekord.KIND})

	description, err := loads.Embedded(restapi.SwaggerJSON, restapi.FlatSwaggerJSON)
	if err != nil {
		return err
	}
	server := restapi.NewServer(operations.NewRekorServerAPI(description))
	api.ConfigureAPI(tree)
	server.ConfigureAPI()
	listener, err := serve.Listen(*port)
	if err != nil {
		return err
	}
	if err := serve.Ready(map[string]any{"url": serve.URL(listener)}); err != nil {
		return err
	}
	return http.Serve(listener, server.GetHandler())
}
