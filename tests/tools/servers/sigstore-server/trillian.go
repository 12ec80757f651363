package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/client"
	"github.com/google/trillian/extension"
	"github.com/google/trillian/log"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/server/admin"
	"github.com/google/trillian/server/interceptor"
	"github.com/google/trillian/storage/memory"
	"github.com/google/trillian/util/clock"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	"peers/serve"
)

// merkleTrees is Trillian, its log server and its log signer, over trees in memory.
type merkleTrees struct {
	listener net.Listener
	admin    trillian.TrillianAdminClient
	log      trillian.TrillianLogClient
}

func newMerkleTrees(ctx context.Context) (*merkleTrees, error) {
	storage := memory.NewTreeStorage()
	registry := extension.Registry{
		AdminStorage: memory.NewAdminStorage(storage),
		LogStorage:   memory.NewLogStorage(storage, nil),
		QuotaManager: quota.Noop(),
	}
	listener, err := serve.Listen(0)
	if err != nil {
		return nil, err
	}
	served := grpc.NewServer(grpc.UnaryInterceptor(interceptor.ErrorWrapper))
	trillian.RegisterTrillianAdminServer(served, admin.New(registry, nil))
	trillian.RegisterTrillianLogServer(served, server.NewTrillianLogRPCServer(registry, clock.System))
	go func() { serve.Fail(served.Serve(listener)) }()

	sequencer := log.NewSequencerManager(registry, 0)
	operations := log.NewOperationManager(log.OperationInfo{
		Registry:   registry,
		BatchSize:  50,
		NumWorkers: 1,
		// An entry waits for this long, and so does whoever signs.
		RunInterval: 20 * time.Millisecond,
		TimeSource:  clock.System,
	}, sequencer)
	go operations.OperationLoop(ctx)

	connection, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return &merkleTrees{
		listener: listener,
		admin:    trillian.NewTrillianAdminClient(connection),
		log:      trillian.NewTrillianLogClient(connection),
	}, nil
}

// plant makes a log, and returns the number that the servers know it by.
func (trees *merkleTrees) plant(ctx context.Context) (int64, error) {
	tree, err := trees.admin.CreateTree(ctx, &trillian.CreateTreeRequest{Tree: &trillian.Tree{
		TreeType:        trillian.TreeType_LOG,
		TreeState:       trillian.TreeState_ACTIVE,
		MaxRootDuration: durationpb.New(time.Hour),
	}})
	if err != nil {
		return 0, fmt.Errorf("making a tree: %w", err)
	}
	return tree.TreeId, client.InitLog(ctx, tree, trees.log)
}
