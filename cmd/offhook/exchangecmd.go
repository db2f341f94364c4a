package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/spf13/cobra"

	"offhook/sip/exchange"
)

func newExchangeCmd(e *env) *cobra.Command {
	var listen, users, control string
	var still bool
	cmd := &cobra.Command{
		Use: "exchange", Short: "Run the practice telephone exchange alone", Args: cobra.NoArgs,
		Long: "Runs a small exchange to practise on: extensions register with a password, people call and can be called.\n" +
			"The first line on stdout is one JSON object with sip, extensions and passwords.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.runExchange(cmd.Context(), listen, users, control, still)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "address and port for UDP and TCP; port 0 lets the system choose")
	cmd.Flags().StringVar(&users, "users", "", "JSON file of extensions: [{\"extension\",\"password\",\"name\"}]")
	cmd.Flags().StringVar(&control, "control", exchange.ControlFile(), "file that tells offhook exchange call how to reach this exchange")
	cmd.Flags().BoolVar(&still, "still", false, "people do nothing by the clock")
	cmd.AddCommand(newExchangeCallCmd(e))
	return cmd
}

// exchangeLine is the first line of the exchange's output; docs/json.md has its shape.
type exchangeLine struct {
	Version    int             `json:"version"`
	SIP        string          `json:"sip"`
	Transports []string        `json:"transports"`
	Extensions []exchange.User `json:"extensions"`
	Control    string          `json:"control_file"`
}

func (e *env) runExchange(ctx context.Context, listen, users, file string, still bool) error {
	addr, err := netip.ParseAddrPort(listen)
	if err != nil {
		return fmt.Errorf("--listen %s: write an address and a port, as 127.0.0.1:5060", listen)
	}
	opt := exchange.Options{Listen: addr, Still: still}
	if users != "" {
		b, err := os.ReadFile(users)
		if err != nil {
			return fmt.Errorf("--users: %w", err)
		}
		if err := json.Unmarshal(b, &opt.Users); err != nil {
			return fmt.Errorf("--users %s: %w", users, err)
		}
	}
	srv, err := exchange.New(opt)
	if err != nil {
		return err
	}
	defer func() {
		limit, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = srv.Close(limit)
	}()
	if _, err := srv.ServeControl(ctx, file); err != nil {
		return err
	}
	line := exchangeLine{Version: 1, SIP: srv.Addr().String(), Transports: []string{"udp", "tcp"}, Extensions: srv.Users(), Control: file}
	if err := json.NewEncoder(e.out).Encode(line); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

func newExchangeCallCmd(e *env) *cobra.Command {
	var r exchange.CallRequest
	var talk, control string
	var hangUp, cancel time.Duration
	cmd := &cobra.Command{
		Use: "call --from NUMBER --to EXT", Short: "Let a customer call an extension of the running exchange", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.To == "" {
				return errors.New("--to: name the extension to call, as --to 2101")
			}
			if talk != "" {
				b, err := os.ReadFile(talk)
				if err != nil {
					return fmt.Errorf("--talk: %w", err)
				}
				r.Talk = b
			}
			r.HangUpAfterMS, r.CancelAfterMS = int(hangUp.Milliseconds()), int(cancel.Milliseconds())
			c, err := exchange.ReadControl(control)
			if err != nil {
				return err
			}
			if err := c.Call(cmd.Context(), r); err != nil {
				return err
			}
			_, err = fmt.Fprintf(e.out, "%s is ringing.\n", r.To)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&r.From, "from", "", "the customer's number; empty withholds it")
	f.StringVar(&r.To, "to", "", "the extension")
	f.StringVar(&r.Name, "name", "", "the customer's name, as the exchange signals it")
	f.StringVar(&talk, "talk", "", "WAV file that the customer says after the answer")
	f.DurationVar(&hangUp, "hangup-after", 0, "the customer hangs up so long after the answer")
	f.DurationVar(&cancel, "cancel-after", 0, "the customer gives up after ringing so long")
	f.StringVar(&control, "control", exchange.ControlFile(), "control file of the running exchange")
	return cmd
}
