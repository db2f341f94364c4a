package main

import (
	"context"
	"crypto/tls"
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
	var o exchangeFlags
	cmd := &cobra.Command{
		Use: "exchange", Short: "Run the practice telephone exchange alone", Args: cobra.NoArgs,
		Long: "Runs a small exchange to practise on: extensions register with a password, people call and can be called.\n" +
			"The first line on stdout is one JSON object with sip, extensions and passwords.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return e.runExchange(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&o.listen, "listen", "127.0.0.1:0", "address and port for UDP and TCP; port 0 lets the system choose")
	cmd.Flags().StringVar(&o.users, "users", "", "extensions: a JSON file with a list of {extension, password, name}")
	cmd.Flags().StringVar(&o.control, "control", exchange.ControlFile(), "file that tells offhook exchange call how to reach this exchange")
	cmd.Flags().BoolVar(&o.still, "still", false, "people do nothing by the clock")
	cmd.Flags().StringVar(&o.cert, "tls-cert", "", "certificate chain (PEM): TLS on the port after --listen's")
	cmd.Flags().StringVar(&o.key, "tls-key", "", "private key of --tls-cert (PEM)")
	cmd.AddCommand(newExchangeCallCmd(e), newExchangeReferCmd(e))
	return cmd
}

// exchangeFlags are the flags of offhook exchange.
type exchangeFlags struct {
	listen, users, control, cert, key string
	still                             bool
}

// tls reads the certificate, if there is one.
func (o exchangeFlags) tls() (*tls.Config, error) {
	if o.cert == "" && o.key == "" {
		return nil, nil
	}
	if o.cert == "" || o.key == "" {
		return nil, errors.New("--tls-cert and --tls-key go together")
	}
	pair, err := tls.LoadX509KeyPair(o.cert, o.key)
	if err != nil {
		return nil, fmt.Errorf("--tls-cert: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// exchangeLine is the first line of the exchange's output; docs/json.md has its shape.
type exchangeLine struct {
	Version    int             `json:"version"`
	SIP        string          `json:"sip"`
	SIPTLS     string          `json:"sip_tls,omitempty"`
	Transports []string        `json:"transports"`
	Extensions []exchange.User `json:"extensions"`
	Control    string          `json:"control_file"`
}

func (e *env) runExchange(ctx context.Context, o exchangeFlags) error {
	addr, err := netip.ParseAddrPort(o.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: write an address and a port, as 127.0.0.1:5060", o.listen)
	}
	opt := exchange.Options{Listen: addr, Still: o.still}
	if opt.TLS, err = o.tls(); err != nil {
		return err
	}
	if o.users != "" {
		b, err := os.ReadFile(o.users)
		if err != nil {
			return fmt.Errorf("--users: %w", err)
		}
		if err := json.Unmarshal(b, &opt.Users); err != nil {
			return fmt.Errorf("--users %s: %w", o.users, err)
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
	if _, err := srv.ServeControl(ctx, o.control); err != nil {
		return err
	}
	line := exchangeLine{Version: 1, SIP: srv.Addr().String(), Transports: []string{"udp", "tcp"}, Extensions: srv.Users(), Control: o.control}
	if a := srv.AddrTLS(); a.IsValid() {
		line.SIPTLS, line.Transports = a.String(), append(line.Transports, "tls")
	}
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
	f.BoolVar(&r.Replaces, "replaces", false, "the call takes the place of the extension's newest answered one")
	f.BoolVar(&r.LeavesMessage, "leaves-message", false, "when nobody answers, the customer speaks to the extension's mailbox")
	f.StringToStringVar(&r.Headers, "header", nil, "further header as X-Campaign=Renewals, several times; X- headers, Call-Info, Alert-Info, Answer-Mode, Diversion, User-to-User")
	f.StringVar(&control, "control", exchange.ControlFile(), "control file of the running exchange")
	return cmd
}

func newExchangeReferCmd(e *env) *cobra.Command {
	var r exchange.ReferRequest
	var control string
	cmd := &cobra.Command{
		Use: "refer --extension EXT --to NUMBER", Short: "Let the person whom an extension talks to send it to another number", Args: cobra.NoArgs,
		Long: "The person holds the call and asks the phone by REFER to call the number itself. Whether it does is the phone's policy.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if r.Extension == "" || r.To == "" {
				return errors.New("name the extension and where it is sent, as --extension 2101 --to 2104")
			}
			c, err := exchange.ReadControl(control)
			if err != nil {
				return err
			}
			if err := c.Refer(cmd.Context(), r); err != nil {
				return err
			}
			_, err = fmt.Fprintf(e.out, "%s is sent to %s.\n", r.Extension, r.To)
			return err
		},
	}
	cmd.Flags().StringVar(&r.Extension, "extension", "", "the extension that talks to somebody")
	cmd.Flags().StringVar(&r.To, "to", "", "the number that it is to call")
	cmd.Flags().StringVar(&control, "control", exchange.ControlFile(), "control file of the running exchange")
	return cmd
}
