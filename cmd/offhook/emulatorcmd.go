package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"offhook/crm/emulator"
)

func newEmulatorCmd(e *env) *cobra.Command {
	var o emulatorOptions
	cmd := &cobra.Command{
		Use: "emulator", Short: "Run the practice Salesforce alone", Args: cobra.NoArgs,
		Long: "Runs a Salesforce to practise on: the same REST API, with faults to switch on (POST /_emulator/faults).\n" +
			"The first line on stdout is one JSON object with url, username, client_id, key_file and access_token.\n" +
			"Records live in memory, or with --data in a file that the next start finds again.\n" +
			"--load reads records first: JSON (one per line, an array, or a tree of sf data export) or Contact.csv with\n" +
			"field names as its header. A new org with --load has the loaded customers instead of the practice data.",
		RunE: func(cmd *cobra.Command, _ []string) error { return e.runEmulator(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:0", "address and port; port 0 lets the system choose")
	cmd.Flags().StringVar(&o.data, "data", "", "database file that keeps the org's records and settings; made when it is not there")
	cmd.Flags().StringArrayVar(&o.load, "load", nil, "file of records to load first; may be given several times")
	return cmd
}

type emulatorOptions struct {
	listen, data string
	load         []string
}

// signInLine is the first line of the emulator's output; docs/json.md has its shape.
type signInLine struct {
	Version     int    `json:"version"`
	URL         string `json:"url"`
	Username    string `json:"username"`
	ClientID    string `json:"client_id"`
	KeyFile     string `json:"key_file"`
	AccessToken string `json:"access_token"`
}

func (e *env) runEmulator(ctx context.Context, o emulatorOptions) error {
	opt := emulator.Options{File: o.data}
	if len(o.load) > 0 {
		opt.Data = &emulator.Data{}
	}
	for _, name := range o.load { // a wrong name is no reason to make a data file
		if _, err := os.Stat(name); err != nil {
			return fmt.Errorf("the file to load cannot be read: %w", err)
		}
	}
	_, missing := os.Stat(o.data)
	srv, err := emulator.New(opt)
	if err != nil {
		return err
	}
	for _, name := range o.load {
		if err := e.loadRecords(ctx, srv, name); err != nil {
			err = errors.Join(err, srv.Close())
			if o.data != "" && errors.Is(missing, fs.ErrNotExist) { // an org without its customers is not what was asked for
				err = errors.Join(err, os.Remove(o.data))
			}
			return err
		}
	}
	defer srv.Close()
	url, err := srv.Start(ctx, o.listen)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "offhook-emulator-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	cred := srv.Credentials()
	line := signInLine{Version: 1, URL: url, Username: cred.Username, ClientID: cred.ClientID, AccessToken: cred.AccessToken, KeyFile: filepath.Join(dir, "key.pem")}
	if err := os.WriteFile(line.KeyFile, srv.KeyPEM(), 0o600); err != nil {
		return err
	}
	if err := json.NewEncoder(e.out).Encode(line); err != nil {
		return err
	}
	<-ctx.Done()
	if errors.Is(ctx.Err(), context.Canceled) {
		fmt.Fprintln(e.errOut, "offhook emulator: ended")
	}
	return nil
}

// loadRecords reads one file into the org and says on stderr how far it is.
func (e *env) loadRecords(ctx context.Context, srv *emulator.Server, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("the file to load cannot be read: %w", err)
	}
	defer f.Close()
	n, err := srv.Load(ctx, name, f, func(n int) {
		if n%100_000 == 0 {
			fmt.Fprintf(e.errOut, "offhook emulator: %d records of %s\n", n, filepath.Base(name))
		}
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(e.errOut, "offhook emulator: %d records loaded from %s\n", n, filepath.Base(name))
	return nil
}
