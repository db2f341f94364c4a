package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm/salesforce"
)

func newLoginCmd(e *env) *cobra.Command {
	var paste, sipPassword bool
	cmd := &cobra.Command{
		Use: "login", Short: "Sign in to Salesforce", Args: cobra.NoArgs,
		Long: "Signs in with the flow of salesforce.flow. pkce opens the browser; over SSH open the printed address anywhere and paste\n" +
			"the address you end up at. device shows a code to enter on any machine. jwt signs in with the key file, client as the app\n" +
			"itself. --sip keeps the telephone's password in the system's keyring.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if sipPassword {
				return e.keepSIPPassword()
			}
			return e.login(cmd.Context(), paste)
		},
	}
	cmd.Flags().BoolVar(&paste, "paste", false, "do not open a browser here; paste the address or the code")
	cmd.Flags().BoolVar(&sipPassword, "sip", false, "keep the telephone's password in the keyring")
	return cmd
}

func newLogoutCmd(e *env) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "logout", Short: "Sign out of Salesforce and forget the sign-in", Args: cobra.NoArgs,
		Long: "Revokes the sign-in at Salesforce and forgets it here. Call records that are not sent yet stay safe on disk.",
		RunE: func(cmd *cobra.Command, _ []string) error { return e.logout(cmd.Context(), yes) },
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// loadSalesforce reads the settings of a profile that has Salesforce.
func (e *env) loadSalesforce() (*config.Loaded, error) {
	l, err := e.load()
	if err != nil {
		return nil, err
	}
	if l.Salesforce.ClientID == "" {
		return nil, errors.New("salesforce.client_id is empty: set the consumer key of your External Client App in " + l.Path)
	}
	return l, nil
}

func (e *env) login(ctx context.Context, paste bool) error {
	l, err := e.loadSalesforce()
	if err != nil {
		return err
	}
	store, err := newTokenStore(l)
	if err != nil {
		return err
	}
	if err := store.Check(ctx); err != nil {
		return err
	}
	token, err := e.signIn(ctx, l, paste)
	if errors.Is(err, context.Canceled) {
		return errors.New("given up; nobody is signed in")
	}
	if err != nil {
		return errors.New(salesforce.SignInLine(err))
	}
	if err := store.Save(ctx, token); err != nil {
		return fmt.Errorf("signed in, but the sign-in could not be kept: %w", err)
	}
	client, _, err := openClient(l, nil, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	user, err := client.User(ctx)
	if err != nil {
		return errors.New(salesforce.Line(err))
	}
	fmt.Fprintf(e.out, "Signed in to %s as %s.\n", client.InstanceURL(), user.Username)
	if l.Salesforce.Flow != "client" {
		return nil
	}
	agent, err := client.Agent(ctx)
	if err != nil {
		return errors.New(salesforce.SignInLine(err))
	}
	_, err = fmt.Fprintf(e.out, "That is the app's own user; call records belong to %s.\n", agent.Username)
	return err
}

// signIn runs the flow of the settings.
func (e *env) signIn(ctx context.Context, l *config.Loaded, paste bool) (salesforce.Token, error) {
	app := newApp(l)
	switch l.Salesforce.Flow {
	case "jwt":
		jwt, err := newJWT(l.Salesforce)
		if err != nil {
			return salesforce.Token{}, err
		}
		return app.SignInJWT(ctx, *jwt)
	case "client":
		return app.SignInClient(ctx)
	case "device":
		return e.device(ctx, app)
	}
	return e.browser(ctx, app, paste)
}

// byItself reports whether the settings' flow signs in again without a person.
func byItself(c config.Salesforce) bool { return c.Flow == "jwt" || c.Flow == "client" }

func (e *env) logout(ctx context.Context, yes bool) error {
	l, err := e.load()
	if err != nil {
		return err
	}
	client, store, err := openClient(l, nil, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	token, err := store.Load(ctx)
	if errors.Is(err, salesforce.ErrNoToken) {
		_, err := fmt.Fprintln(e.out, "Nobody is signed in.")
		return err
	}
	if err != nil { // it cannot be read, so it cannot be revoked either; the person decides
		fmt.Fprintln(e.errOut, "offhook:", err)
	}
	if !yes {
		where := token.Instance
		if where == "" {
			where = l.Salesforce.LoginURL
		}
		fmt.Fprintf(e.out, "Sign out of %s? Unsent records stay safe on disk. [y/N] ", where)
		if !confirmed(e.in) {
			_, err := fmt.Fprintln(e.out, "Still signed in.")
			return err
		}
	}
	if err != nil {
		if derr := store.Delete(ctx); derr != nil {
			return fmt.Errorf("the sign-in could not be forgotten: %w", derr)
		}
		return errors.New("forgotten here, but not revoked, because it could not be read: revoke it in Salesforce under Settings, Connections")
	}
	if err := client.SignOut(ctx); err != nil {
		_ = store.Delete(ctx)
		return fmt.Errorf("forgotten here, but Salesforce did not confirm it: %s", salesforce.SignInLine(err))
	}
	fmt.Fprintln(e.out, "Signed out.")
	if byItself(l.Salesforce) {
		_, err = fmt.Fprintf(e.out, "With flow %s the next use signs in again by itself: empty salesforce.client_id to stop that.\n", l.Salesforce.Flow)
	}
	return err
}

// confirmed reads a yes; everything else, and nothing at all, is a no.
func confirmed(in io.Reader) bool {
	line, _ := bufio.NewReader(in).ReadString('\n')
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "y")
}

func (e *env) keepSIPPassword() error {
	l, err := e.load()
	if err != nil {
		return err
	}
	fmt.Fprintf(e.out, "Password of %s: ", l.SIP.Account)
	var password string
	if f, ok := e.in.(*os.File); ok && term.IsTerminal(f.Fd()) {
		b, err := term.ReadPassword(f.Fd())
		fmt.Fprintln(e.out)
		if err != nil {
			return err
		}
		password = string(b)
	} else {
		line, err := bufio.NewReader(e.in).ReadString('\n')
		if err != nil && line == "" {
			return errors.New("no password was given")
		}
		password = strings.TrimRight(line, "\r\n")
	}
	if err := (config.Secrets{Profile: l.Profile}).Keep("sip.password", password); err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.out, "Kept in the system's keyring.")
	return err
}
