package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/term"

	"offhook/crm/salesforce"
	"offhook/internal/text"
)

// signInLimit is how long a browser sign-in waits for its person.
const signInLimit = 10 * time.Minute

// browser runs the PKCE flow: the redirect comes to a loopback port, or is pasted. A pasted code that Salesforce does not take
// ends nothing: the right one can be pasted after it.
func (e *env) browser(ctx context.Context, app salesforce.App, paste bool) (salesforce.Token, error) {
	login, err := app.StartLogin(ctx)
	if err != nil {
		return salesforce.Token{}, err
	}
	defer login.Close()
	// The address is written before a browser starts: whatever that one prints comes after it.
	fmt.Fprintf(e.out, "Open this address and sign in:\n\n  %s\n\n", link(e.out, login.URL()))
	if !paste && hasBrowser(os.Getenv) && openBrowser(login.URL()) {
		fmt.Fprintln(e.out, "Your browser should be opening it now.")
	}
	switch {
	case login.Listening():
		fmt.Fprintln(e.out, "Browser on another machine? Paste the address it ends at, or the code, here.")
	default:
		fmt.Fprintf(e.out, "Other programs use the ports that the browser would come back to, so it ends on a page that does not load:\npaste that address (or the code) here.\n")
	}
	ctx, cancel := context.WithTimeout(ctx, signInLimit)
	defer cancel()
	var pasted atomic.Int32 // codes of the person that Salesforce has not answered yet
	lines, errOut := bufio.NewScanner(e.in), e.errOut
	lines.Buffer(nil, 64<<10)
	go func() { // waits for a line at most as long as the program runs: a terminal's read cannot be called back
		for lines.Scan() && ctx.Err() == nil {
			line := strings.TrimSpace(lines.Text())
			if line == "" {
				continue
			}
			pasted.Add(1) // first: the answer may be there before Paste returns
			if err := login.Paste(line); err != nil {
				pasted.Add(-1)
				fmt.Fprintln(errOut, "offhook:", err)
			}
		}
	}()
	for {
		token, err := login.Wait(ctx)
		var auth *salesforce.AuthError
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			return salesforce.Token{}, errors.New("nobody signed in within ten minutes: run offhook login again")
		case pasted.Load() > 0 && errors.As(err, &auth) && auth.Code == "invalid_grant":
			pasted.Add(-1)
			fmt.Fprintf(e.errOut, "offhook: Salesforce does not take that code (%s): paste the address once more, or open the one above again\n",
				text.Clean(auth.Description).Runes(80))
			continue
		}
		return token, err
	}
}

// device runs Salesforce's own device flow.
func (e *env) device(ctx context.Context, app salesforce.App) (salesforce.Token, error) {
	app.Sleep = e.sleep
	d, err := app.StartDevice(ctx)
	if err != nil {
		return salesforce.Token{}, err
	}
	fmt.Fprintf(e.out, "On any machine open\n\n  %s\n\nand enter the code  %s\n\nWaiting …\n", link(e.out, d.URL), d.UserCode)
	return d.Wait(ctx)
}

// link shows an address; on a terminal it can be opened where it stands, also when it runs over several lines.
func link(out io.Writer, url string) string {
	f, ok := out.(*os.File)
	if !ok || !term.IsTerminal(f.Fd()) {
		return url
	}
	return ansi.SetHyperlink(url) + url + ansi.ResetHyperlink()
}

// hasBrowser guesses whether a browser that opens here is seen by the person: not over SSH, and on Linux only with a display.
func hasBrowser(getenv func(string) string) bool {
	switch {
	case getenv("SSH_CONNECTION") != "" || getenv("SSH_TTY") != "":
		return false
	case runtime.GOOS != "linux" && runtime.GOOS != "freebsd":
		return true
	}
	return getenv("DISPLAY") != "" || getenv("WAYLAND_DISPLAY") != "" || getenv("WSL_DISTRO_NAME") != ""
}

// openBrowser asks the system to show an address; that it cannot is no error, the address is on the screen.
func openBrowser(url string) bool {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	cmd := exec.Command(name, args...)
	if cmd.Start() != nil {
		return false
	}
	go func() { _ = cmd.Wait() }()
	return true
}
