package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"offhook/config"
	"offhook/desk"
	"offhook/keymap"
	"offhook/ui"
)

// runDesk is offhook without a subcommand: the agent's desk.
func runDesk(ctx context.Context, e *env) error {
	l, err := e.load()
	if errors.Is(err, config.ErrNoFile) && e.configFile == "" {
		return errors.New("offhook has no configuration yet.\nTry it without an account:  offhook demo\nSet it up:  offhook config init")
	}
	if err != nil {
		return err
	}
	return showDesk(ctx, e, l, options{})
}

// showDesk runs a desk on the real terminal until the agent leaves.
func showDesk(ctx context.Context, e *env, l *config.Loaded, opt options) error {
	if err := ui.CheckTerminal(); err != nil {
		return err
	}
	if err := checkParts(l); err != nil {
		return err
	}
	screen, err := screenOptions(l)
	if err != nil {
		return err
	}
	w, err := openWorkplace(ctx, e, l, opt)
	if err != nil {
		return err
	}
	defer w.close(ctx)
	if opt.ready != nil {
		if err := opt.ready(w); err != nil {
			return err
		}
	}
	screen.Send = w.desk.Send
	snapshots, cancel := w.desk.Subscribe()
	defer cancel()
	done := w.start(ctx)
	attachHub(ctx, w, l, e)
	show := ui.Run
	if opt.show != nil {
		show = opt.show
	}
	if err := show(ctx, screen, snapshots); err != nil {
		return err
	}
	if ctx.Err() != nil { // the terminal is gone, or the system asks: the calls end, their records are written
		w.desk.Send(desk.Command{Verb: desk.QuitNow})
	}
	select {
	case <-done:
	case <-time.After(leaveLimit):
	}
	if word := w.lastWord(ctx); word != "" {
		fmt.Fprintln(e.errOut, word)
	}
	return nil
}

// leaveLimit is how long far ends may take to agree that a call is over.
const leaveLimit = 4 * time.Second

// screenOptions are the settings of the screen.
func screenOptions(l *config.Loaded) (ui.Options, error) {
	keys, err := keymap.New(l.Keys)
	if err != nil {
		return ui.Options{}, fmt.Errorf("%s: keys: %w", l.Path, err)
	}
	opt := ui.Options{Keys: keys, Theme: l.UI.Theme, Mouse: l.UI.Mouse, Inside: ui.Around(os.Getenv)}
	if hasBrowser(os.Getenv) {
		opt.Browse = openBrowser
	}
	if l.UI.Notify {
		opt.Notify = ui.NotifyOSC9
		if term := os.Getenv("TERM"); strings.HasPrefix(term, "rxvt") || strings.HasPrefix(term, "foot") {
			opt.Notify = ui.NotifyOSC777 // these know only the older form
		}
	}
	return opt, nil
}
