package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/charmbracelet/x/term"
	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm/salesforce"
	"offhook/internal/text"
)

func newLoginCmd(e *env) *cobra.Command {
	var paste, sipPassword bool
	cmd := &cobra.Command{
		Use: "login", Short: "Sign in to Salesforce", Args: cobra.NoArgs,
		Long: "Signs in with the flow of salesforce.flow. pkce opens the browser; over SSH open the printed address anywhere and paste\n" +
			"the address you end up at. jwt signs in with the key file. --sip keeps the telephone's password in the system's keyring.",
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
		RunE: func(cmd *cobra.Command, _ []string) error { return e.logout(cmd.Context(), yes) },
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

func (e *env) login(ctx context.Context, paste bool) error {
	l, err := e.load()
	if err != nil {
		return err
	}
	if l.Salesforce.ClientID == "" {
		return errors.New("salesforce.client_id is empty: set the consumer key of your External Client App in " + l.Path)
	}
	store, err := newTokenStore(l)
	if err != nil {
		return err
	}
	app := newApp(l.Salesforce)
	jwt, err := newJWT(l.Salesforce)
	if err != nil {
		return err
	}
	var token salesforce.Token
	if jwt != nil {
		token, err = app.SignInJWT(ctx, *jwt)
	} else {
		token, err = e.browser(ctx, app, paste || os.Getenv("SSH_CONNECTION") != "")
	}
	if err != nil {
		return errors.New(refusal(err, jwt != nil))
	}
	if err := store.Save(ctx, token); err != nil {
		return fmt.Errorf("signed in, but the sign-in could not be kept: %w", err)
	}
	client, _, err := openClient(l, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	user, err := client.User(ctx)
	if err != nil {
		return errors.New(salesforce.Line(err))
	}
	_, err = fmt.Fprintf(e.out, "Signed in to %s as %s.\n", client.InstanceURL(), user.Username)
	return err
}

// refusal is why a sign-in failed, and what to do: "run offhook login" helps nobody who is doing just that.
func refusal(err error, byKey bool) string {
	var auth *salesforce.AuthError
	switch {
	case errors.As(err, &auth):
	case salesforce.KindOf(err) == salesforce.KindTransient: // nobody tries this one again by itself
		return "Salesforce is busy or cannot be reached, so nobody is signed in: check the network and salesforce.login_url, then try again"
	default:
		return salesforce.Line(err)
	}
	why := text.Clean(strings.TrimSpace(auth.Code + " " + auth.Description)).String()
	advice := "try again, or ask your administrator"
	switch {
	case strings.HasPrefix(auth.Code, "invalid_client"):
		advice = "check salesforce.client_id, and that salesforce.login_url is the org that has the app; a new app works after about ten minutes"
	case byKey && auth.Code == "invalid_grant":
		advice = "check salesforce.username, that the app knows the certificate of salesforce.key_file, and that an administrator has pre-authorised the user"
	}
	return "Salesforce refused the sign-in (" + why + "): " + advice
}

// browser runs the PKCE flow: the redirect comes to a loopback port, or is pasted.
func (e *env) browser(ctx context.Context, app salesforce.App, paste bool) (salesforce.Token, error) {
	login, err := app.StartLogin(ctx)
	if err != nil {
		return salesforce.Token{}, err
	}
	defer login.Close()
	fmt.Fprintf(e.out, "Open this address and sign in:\n\n  %s\n\n", login.URL())
	if !paste {
		openBrowser(login.URL())
	}
	fmt.Fprintln(e.out, "If the browser is on another machine, paste the address it ends at (or the code) here.")
	lines, errOut := bufio.NewScanner(e.in), e.errOut
	go func() { // waits for a line at most as long as the program runs: a terminal's read cannot be called back
		for lines.Scan() {
			line := strings.TrimSpace(lines.Text())
			if line == "" {
				continue
			}
			if err := login.Paste(line); err != nil {
				fmt.Fprintln(errOut, "offhook:", err)
				continue
			}
			return
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	return login.Wait(ctx)
}

// openBrowser asks the system to show an address; that it cannot is no error, the address is on the screen.
func openBrowser(url string) {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	cmd := exec.Command(name, args...)
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }()
	}
}

func (e *env) logout(ctx context.Context, yes bool) error {
	l, err := e.load()
	if err != nil {
		return err
	}
	client, store, err := openClient(l, nil)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err := store.Load(ctx); errors.Is(err, salesforce.ErrNoToken) {
		_, err := fmt.Fprintln(e.out, "Nobody is signed in.")
		return err
	}
	if !yes {
		fmt.Fprintf(e.out, "Sign out of %s? Unsent records stay safe on disk. [y/N] ", l.Salesforce.LoginURL)
		line, _ := bufio.NewReader(e.in).ReadString('\n')
		if !strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "y") {
			_, err := fmt.Fprintln(e.out, "Still signed in.")
			return err
		}
	}
	if err := client.SignOut(ctx); err != nil {
		_ = store.Delete(ctx)
		return fmt.Errorf("forgotten here, but Salesforce did not confirm it: %s", salesforce.Line(err))
	}
	_, err = fmt.Fprintln(e.out, "Signed out.")
	return err
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
