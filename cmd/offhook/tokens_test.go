package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"filippo.io/age"

	"offhook/crm/emulator"
	"offhook/crm/salesforce"
)

// signInByPaste signs a profile in over the browser's way.
func signInByPaste(t *testing.T, e *env) {
	t.Helper()
	out := newLines()
	in, keys := io.Pipe()
	defer keys.Close()
	run := *e
	run.out, run.errOut, run.in = out, new(bytes.Buffer), in
	ended := make(chan error, 1)
	go func() { ended <- run.login(t.Context(), true); _ = out.w.Close() }()
	fmt.Fprintln(keys, visit(t, out.next(t, "/services/oauth2/authorize?")))
	check(t, <-ended)
}

func tokenRequests(org *emulator.Server) (n int) {
	for _, r := range org.Requests() {
		if strings.HasSuffix(r.Path, "/oauth2/token") {
			n++
		}
	}
	return n
}

// A desk and two commands share a profile whose app rotates its refresh tokens: a token that is spent twice ends the sign-in.
func TestSeveralOffhooksOfAProfileRenewOnce(t *testing.T) {
	org := startOrg(t)
	check(t, org.SetSettings(emulator.Settings{RotateRefreshTokens: true}))
	key := filepath.Join(t.TempDir(), "identity.txt")
	id, err := age.GenerateX25519Identity()
	check(t, err)
	check(t, os.WriteFile(key, []byte(id.String()+"\n"), 0o600))
	for name, lines := range map[string]string{"file": "", "age": "token_identity = \"" + key + "\"\n"} {
		t.Run(name, func(t *testing.T) {
			e := signInEnv(t, org, "client_id = \""+emulator.ClientID+"\"\n"+lines)
			e.set = []string{"salesforce.tokens=" + name}
			before := tokenRequests(org)
			signInByPaste(t, e)
			l, err := e.load()
			check(t, err)
			var clients []*salesforce.Client
			for range 3 {
				c, _, err := openClient(l, nil, nil)
				check(t, err)
				defer c.Close()
				clients = append(clients, c)
			}
			for range 4 {
				check(t, org.SetFault(emulator.Fault{Kind: emulator.FaultSession})) // every session ends now
				var wg sync.WaitGroup
				for _, c := range clients {
					wg.Go(func() {
						if _, err := c.Prove(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
				wg.Wait()
			}
			if n := tokenRequests(org) - before; n != 1+4 { // the code, and one renewal each time
				t.Errorf("%d requests for tokens", n)
			}
			// Signed out in one, signed out in all.
			run := *e
			run.out = new(bytes.Buffer)
			check(t, run.logout(t.Context(), true))
			for _, c := range clients {
				if _, err := c.Prove(t.Context()); !errors.Is(err, salesforce.ErrNoToken) {
					t.Errorf("%v", err)
				}
			}
		})
	}
}
