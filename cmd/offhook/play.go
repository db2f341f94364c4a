package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"offhook/config"
	"offhook/crm/emulator"
	"offhook/crm/layout"
	"offhook/internal/control"
	"offhook/sip/exchange"
	"offhook/ui"
	"offhook/ui/tape"
)

// Exit codes of play.
const (
	playFailed     exitError = 1 // an expectation was not met
	playUnreadable exitError = 2 // the tape, or the settings, cannot be read
	playDied       exitError = 3 // the program under test ended
)

func newPlayCmd(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "play TAPE…", Short: "Play scripts of keystrokes and expectations", Args: cobra.MinimumNArgs(1),
		Long: "Plays VHS tapes against the real screen on a virtual terminal. Without --config the desk works with the practice exchange\n" +
			"and the practice Salesforce, and nothing there happens by the clock: what the screen shows holds until the next key.\n" +
			"Exit codes: 0 passed, 1 an expectation failed, 2 a tape cannot be read, 3 the program under test ended.",
		RunE: func(cmd *cobra.Command, args []string) error { return e.play(cmd.Context(), args) },
	}
}

func (e *env) play(ctx context.Context, files []string) error {
	var scripts []*tape.Script
	for _, file := range files {
		s, err := tape.ReadFile(file)
		if err != nil {
			fmt.Fprintln(e.errOut, "offhook play:", err)
			return playUnreadable
		}
		scripts = append(scripts, s)
	}
	worst := exitError(0)
	for _, s := range scripts {
		begun := time.Now()
		err := tape.Play(ctx, s, e.stage)
		var failure *tape.Failure
		var died *tape.DiedError
		var problems config.Problems
		switch {
		case err == nil:
			fmt.Fprintf(e.out, "passed  %s  %.1f s\n", s.Name, time.Since(begun).Seconds())
			continue
		case errors.As(err, &failure):
			fmt.Fprintf(e.out, "FAILED  %s\n%s\n", s.Name, failure.Error())
			worst = max(worst, playFailed)
		case errors.As(err, &died):
			fmt.Fprintf(e.out, "DIED    %s\n%s\n", s.Name, died.Error())
			worst = playDied
		case errors.As(err, &problems), errors.Is(err, config.ErrNoFile):
			fmt.Fprintf(e.errOut, "offhook play: %v\n", err)
			worst = max(worst, playUnreadable)
		default:
			fmt.Fprintf(e.out, "DIED    %s\n%v\n", s.Name, err)
			worst = playDied
		}
		if ctx.Err() != nil {
			break
		}
	}
	if worst != 0 {
		return worst
	}
	return nil
}

// scene is one desk on a virtual terminal, with the world behind it.
type scene struct {
	*ui.Stage
	w      *workplace
	b      *backend // nil with --config
	ctx    context.Context
	cancel func() // of the snapshots
}

// stage starts a desk for a tape.
func (e *env) stage(ctx context.Context, t tape.Terminal) (p tape.Program, err error) {
	s := &scene{ctx: ctx}
	defer func() {
		if err != nil {
			s.strike()
		}
	}()
	opt := options{still: true}
	var l *config.Loaded
	if e.configFile == "" {
		if s.b, err = startBackend(ctx, e, true, "[audio]\ninput = \"null\"\noutput = \"null\"\nring = \"off\"\n[ui]\ntheme = \"dark\"\n"+strings.Join(t.Settings, "\n")+"\n"); err != nil {
			return nil, err
		}
		l, opt = s.b.settings, s.b.options(true)
	} else if l, err = e.load(); err != nil {
		return nil, err
	}
	screen, err := screenOptions(l)
	if err != nil {
		return nil, err
	}
	if s.w, err = openWorkplace(ctx, e, l, opt); err != nil {
		return nil, err
	}
	screen.Send = s.w.desk.Send
	// A script's keys are never typed ahead by accident: each one waits for what the screen shows.
	screen.Grace = ui.Grace{Quiet: -1}
	snapshots, cancel := s.w.desk.Subscribe()
	s.cancel = cancel
	s.w.start(ctx)
	attachHub(ctx, s.w, l, e)
	s.Stage = ui.Open(ctx, screen, snapshots, t.Options(ctx)...)
	return s, nil
}

// Busy counts what is under way anywhere: at the screen, the desk and the sender.
func (s *scene) Busy() int {
	n := s.Stage.Busy() + s.w.desk.Busy()
	if s.Stage.Applied() < s.w.desk.Snapshot().Seq {
		n++
	}
	return n
}

// Happen lets the practice world do what the agent cannot: "call {…}" with what offhook exchange call can ask for, as JSON, and
// "message NUMBER WORDS". "link tel:…" is what offhook dial hands over. "layout {…}" is the administrator's doing: the softphone layout from now on. "salesforce {…}" lets one of
// the practice Salesforce's faults happen, "salesforce well" ends them all.
func (s *scene) Happen(what string) error {
	if s.b == nil {
		return errors.New("with --config the world is the real one")
	}
	verb, arg, _ := strings.Cut(what, " ")
	switch verb {
	case "call":
		call, _, err := exchange.ReadCall(strings.NewReader(arg))
		if err != nil {
			return err
		}
		if call.To == "" {
			call.To = agentExtension
		}
		return s.b.exchange.Place(call)
	case "layout": // of the signed-in user from now on, in getSoftphoneLayout's JSON
		lay, _, err := layout.Parse([]byte(arg))
		if err != nil {
			return err
		}
		s.w.org.useLayout(s.w.desk, &lay)
		return nil
	case "salesforce":
		if arg == "well" {
			s.b.org.ClearFaults()
			return nil
		}
		var f emulator.Fault
		if err := json.Unmarshal([]byte(arg), &f); err != nil {
			return fmt.Errorf("salesforce: write a fault as JSON, or well: %w", err)
		}
		return s.b.org.SetFault(f)
	case "link": // another program hands a number over
		return s.w.offered(control.Request{Number: arg})
	case "message":
		from, words, _ := strings.Cut(arg, " ")
		return s.b.exchange.Message(from, "", agentExtension, words)
	}
	return fmt.Errorf("the practice world knows call, layout, link, message and salesforce, not %q", verb)
}

// Stop ends the screen and everything behind it.
func (s *scene) Stop() {
	if s.Stage != nil {
		s.Stage.Stop()
	}
	s.strike()
}

func (s *scene) strike() {
	if s.cancel != nil {
		s.cancel()
	}
	if s.w != nil {
		s.w.close(s.ctx)
	}
	if s.b != nil {
		s.b.close()
	}
}
