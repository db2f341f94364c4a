package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"offhook/crm/emulator"
)

func newEmulatorCmd(e *env) *cobra.Command {
	var listen, data string
	cmd := &cobra.Command{
		Use: "emulator", Short: "Run the practice Salesforce alone", Args: cobra.NoArgs,
		Long: "Runs a Salesforce to practise on: the same REST API, in memory, with faults to switch on (POST /_emulator/faults).\n" +
			"The first line on stdout is one JSON object with url, username, client_id, key_file and access_token.",
		RunE: func(cmd *cobra.Command, _ []string) error { return e.runEmulator(cmd.Context(), listen, data) },
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "address and port; port 0 lets the system choose")
	cmd.Flags().StringVar(&data, "data", "", "file of records to start with instead of the practice data")
	return cmd
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

func (e *env) runEmulator(ctx context.Context, listen, data string) error {
	opt := emulator.Options{}
	if data != "" {
		f, err := os.Open(data)
		if err != nil {
			return fmt.Errorf("the data file cannot be read: %w", err)
		}
		opt.Data, err = emulator.LoadData(f)
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", data, err)
		}
	}
	srv, err := emulator.New(opt)
	if err != nil {
		return err
	}
	defer srv.Close()
	url, err := srv.Start(ctx, listen)
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
