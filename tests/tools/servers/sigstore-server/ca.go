package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"

	ct "github.com/google/certificate-transparency-go/client"
	"github.com/google/certificate-transparency-go/jsonclient"
	"github.com/google/certificate-transparency-go/trillian/ctfe"
	"github.com/google/certificate-transparency-go/trillian/ctfe/configpb"
	"github.com/google/trillian/crypto/keys"
	"github.com/google/trillian/crypto/keys/der"
	"github.com/google/trillian/crypto/keyspb"
	"github.com/google/trillian/monitoring"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/sigstore/fulcio/pkg/ca/ephemeralca"
	"github.com/sigstore/fulcio/pkg/config"
	"github.com/sigstore/fulcio/pkg/generated/protobuf"
	"github.com/sigstore/fulcio/pkg/generated/protobuf/legacy"
	"github.com/sigstore/fulcio/pkg/server"
	common "github.com/sigstore/protobuf-specs/gen/pb-go/common/v1"
	"github.com/sigstore/sigstore/pkg/signature"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"peers/serve"
)

// certificateAuthority is Fulcio with a root that it makes, and the certificate transparency log that its certificates are in.
func certificateAuthority() error {
	file := flag.String("config", "", "Fulcio's configuration: who may identify whom")
	flag.Parse()

	ctx := context.Background()
	settings, err := config.Load(*file)
	if err != nil {
		return err
	}
	authority, err := ephemeralca.NewEphemeralCA()
	if err != nil {
		return err
	}
	chain, err := authority.TrustBundle(ctx)
	if err != nil {
		return err
	}
	root := chain[0][0]
	log, logKey, err := transparencyLog(ctx, root.Raw)
	if err != nil {
		return err
	}
	algorithms, err := signature.NewAlgorithmRegistryConfig([]common.PublicKeyDetails{
		common.PublicKeyDetails_PKIX_ECDSA_P256_SHA_256,
	})
	if err != nil {
		return err
	}
	fulcio := server.NewGRPCCAServer(log, authority, algorithms, server.NewIssuerPool(settings))
	mux := runtime.NewServeMux(runtime.WithMetadata(token), runtime.WithForwardResponseOption(status))
	if err := protobuf.RegisterCAHandlerServer(ctx, mux, fulcio); err != nil {
		return err
	}
	if err := legacy.RegisterCAHandlerServer(ctx, mux, server.NewLegacyGRPCCAServer(fulcio)); err != nil {
		return err
	}
	listener, err := serve.Listen(0)
	if err != nil {
		return err
	}
	if err := serve.Ready(map[string]any{"url": serve.URL(listener), "root": root.Raw, "log_key": logKey}); err != nil {
		return err
	}
	return http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mux.ServeHTTP(w, r.WithContext(config.With(r.Context(), settings)))
	}))
}

// token passes on the token of a request that has it in its header.
func token(_ context.Context, r *http.Request) metadata.MD {
	return metadata.Pairs(server.MetadataOIDCTokenKey, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
}

// status sets the HTTP status that the legacy interface asks for, and its header with the certificate's timestamp.
func status(ctx context.Context, w http.ResponseWriter, _ proto.Message) error {
	answer, ok := runtime.ServerMetadataFromContext(ctx)
	if !ok {
		return nil
	}
	if timestamp := answer.HeaderMD.Get(server.SCTMetadataKey); len(timestamp) > 0 {
		w.Header().Set("SCT", timestamp[0])
	}
	for name := range w.Header() {
		if strings.HasPrefix(name, "Grpc-") {
			w.Header().Del(name)
		}
	}
	if code := answer.HeaderMD.Get(server.HTTPResponseCodeMetadataKey); len(code) > 0 {
		number, err := strconv.Atoi(code[0])
		if err != nil {
			return err
		}
		w.WriteHeader(number)
	}
	return nil
}

// transparencyLog serves a log of certificates that end in a root; its client, and its public key.
func transparencyLog(ctx context.Context, root []byte) (*ct.LogClient, []byte, error) {
	trees, err := newMerkleTrees(ctx)
	if err != nil {
		return nil, nil, err
	}
	tree, err := trees.plant(ctx)
	if err != nil {
		return nil, nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, nil, err
	}
	keys.RegisterHandler(&keyspb.PrivateKey{}, der.FromProto)
	signer, err := anypb.New(&keyspb.PrivateKey{Der: private})
	if err != nil {
		return nil, nil, err
	}
	// The library takes roots from files only.
	roots, err := os.CreateTemp("", "roots-*.pem")
	if err != nil {
		return nil, nil, err
	}
	defer os.Remove(roots.Name())
	if err := pem.Encode(roots, &pem.Block{Type: "CERTIFICATE", Bytes: root}); err != nil {
		return nil, nil, err
	}
	validated, err := ctfe.ValidateLogConfig(&configpb.LogConfig{
		LogId:        tree,
		Prefix:       "log",
		RootsPemFile: []string{roots.Name()},
		PrivateKey:   signer,
		ExtKeyUsages: []string{"CodeSigning"},
	})
	if err != nil {
		return nil, nil, err
	}
	instance, err := ctfe.SetUpInstance(ctx, ctfe.InstanceOptions{
		Validated:     validated,
		Client:        trees.log,
		Deadline:      10_000_000_000,
		MetricFactory: monitoring.InertMetricFactory{},
		RequestLog:    new(ctfe.DefaultRequestLog),
	})
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	for path, handler := range instance.Handlers {
		mux.Handle(path, handler)
	}
	listener, err := serve.Listen(0)
	if err != nil {
		return nil, nil, err
	}
	go func() { serve.Fail(http.Serve(listener, mux)) }()
	// The client sees that what the log signs is right, too.
	client, err := ct.New(serve.URL(listener)+"/log", http.DefaultClient, jsonclient.Options{
		PublicKey: string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public})),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("the log's client: %w", err)
	}
	return client, public, nil
}
