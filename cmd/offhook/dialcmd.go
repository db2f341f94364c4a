package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offhook/crm/ledger"
	"offhook/internal/control"
	"offhook/internal/text"
)

func newDialCmd(e *env) *cobra.Command {
	var handler, install, notify bool
	cmd := &cobra.Command{
		Use: "dial NUMBER | tel:… | sip:…", Short: "Hand a number to the running desk, which asks before it calls",
		Long: "Opens the dial box of your desk with the number in it; Enter there calls. Nothing is called without it, because any web page\n" +
			"can open such a link. While the agent types or a call rings, the number waits in a line at the desk, with its key.\n" +
			"A desk of the same profile must run under the same user on this machine.\n\n" +
			"--handler prints the entry that makes your desktop (Linux, BSD) open tel: and sip: links with offhook, and tells who opens\n" +
			"them now; with --install it writes the entry.",
		Example: "  offhook dial +44 20 7946 0000\n  offhook dial 'tel:+442079460000;ext=22'\n  offhook dial --handler --install",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case install && !handler:
				return errors.New("--install belongs to --handler: offhook dial --handler --install")
			case handler && len(args) > 0:
				return errors.New("--handler takes no number")
			case handler:
				return e.dialHandler(cmd.Context(), install)
			case len(args) == 0:
				return errors.New("which number? Write it behind the command: offhook dial +442079460000")
			}
			err := e.dialNumber(cmd.Context(), strings.Join(args, " "))
			if err != nil && notify {
				tellDesktop(cmd.Context(), err)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVar(&handler, "handler", false, "print the desktop's entry for tel: and sip: links, and how to make it the default")
	f.BoolVar(&install, "install", false, "with --handler: write the entry")
	f.BoolVar(&notify, "notify", false, "tell as a desktop notification, too, why the desk was not reached")
	return cmd
}

// dialNumber hands a number to the running desk.
func (e *env) dialNumber(ctx context.Context, number string) error {
	if _, err := control.Parse(number); err != nil { // the desk looks again
		return err
	}
	path, err := e.LedgerPath()
	if err != nil {
		return err
	}
	err = control.Ask(ctx, filepath.Dir(path), control.Request{Do: control.Dial, Number: number})
	var no *control.RefusedError
	switch {
	case err == nil:
		_, err = fmt.Fprintln(e.out, "The number is at your desk: nobody is called before you press Enter there.")
		return err
	case errors.As(err, &no):
		return fmt.Errorf("the desk refused: %w", err)
	case errors.Is(err, control.ErrUnsupported):
		return fmt.Errorf("%w: paste the number into the dial box (o)", err)
	case errors.Is(err, control.ErrNobody):
		if holder, held := ledger.HeldBy(path); held {
			return fmt.Errorf("the desk that runs here cannot be reached by other programs: %s; offhook.log in %s says why", holder, filepath.Dir(path))
		}
		return errors.New("no desk of this profile is running here, so nobody was called: start offhook, then try again")
	}
	return fmt.Errorf("your desk could not be reached: %w", err)
}

// tellDesktop shows an error where somebody who clicked a link sees it: the click has no terminal.
func tellDesktop(ctx context.Context, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	_ = exec.CommandContext(ctx, "notify-send", "--app-name=offhook", "offhook", text.Clean(err.Error()).String()).Run()
}
