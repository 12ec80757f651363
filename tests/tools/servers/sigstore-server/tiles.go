package main

import "github.com/sigstore/rekor-tiles/v2/cmd/rekor-server/posix/app"

// tiles is the second version of the log, which keeps itself in a folder. All of it is its own program, which takes no port of the
// kernel's choice: whoever starts it chooses one and sees when it answers.
func tiles() error {
	app.Execute()
	return nil
}
