package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"offhook/config"
	"offhook/crm"
	"offhook/crm/layout"
	"offhook/crm/ledger"
	"offhook/crm/number"
	"offhook/desk"
	"offhook/internal/control"
	"offhook/internal/text"
	"offhook/media"
	"offhook/media/device"
	"offhook/sip"
	"offhook/ui"
)

// workplace is one running desk with everything behind it: ledger, sound, Salesforce, telephone.
type workplace struct {
	dialing layout.DialingOptions
	desk    *desk.Desk
	ledger  *ledger.Ledger
	org     *org // nil: Salesforce is switched off
	phone   telephones
	control *control.Server // nil: other programs cannot reach this desk
	devices *device.Set
	headset *media.Headset
	log     *slog.Logger
	logFile *os.File
	work    sync.WaitGroup
	stop    context.CancelFunc
	left    sync.Once

	attendance *attendance
	follow     context.CancelFunc // ends the attendance
	followed   chan struct{}
}

// options are what the demo and scripted play do differently.
type options struct {
	demo   func(desk.Demo) // the practice backend; nil: none
	agent  desk.Agent
	ledger string                   // path of the ledger; empty: of the profile
	still  bool                     // no state changes by the clock: for scripted play
	ready  func(w *workplace) error // called when everything is built and nothing runs yet
	show   screen                   // shows the desk; nil: ui.Run
}

// screen shows a desk until it has finished.
type screen func(ctx context.Context, opt ui.Options, snapshots <-chan *desk.Snapshot, more ...tea.ProgramOption) error

// openWorkplace builds a desk from settings. Nothing rings before run: the ledger is recovered and the sound is there first.
// An error is one line that says what is wrong and what to do.
func openWorkplace(ctx context.Context, e *env, l *config.Loaded, opt options) (_ *workplace, err error) {
	w := &workplace{}
	defer func() {
		if err != nil {
			w.close(ctx)
		}
	}()
	path := opt.ledger
	if path == "" {
		if path, err = ledgerPath(l.Config, l.Profile); err != nil {
			return nil, err
		}
	}
	if w.ledger, err = ledger.Open(ctx, path, ledger.Options{Holder: e.holder()}); err != nil {
		return nil, err
	}
	if err := w.openLog(filepath.Dir(path), l.Storage.LogLevel); err != nil {
		return nil, err
	}
	recovered, err := w.ledger.Recover(ctx, time.Now(), recoveredItem)
	if err != nil {
		return nil, err
	}
	if err := w.openSound(l.Audio); err != nil {
		return nil, err
	}
	numbers := numberSettings(l.Config)
	if l.Salesforce.ClientID != "" {
		if w.org, err = openOrg(l, w.ledger, numbers, w.log); err != nil {
			return nil, err
		}
	}
	if w.dialing, err = dialingOptions(l); err != nil {
		return nil, err
	}
	if err := w.openPhone(ctx, e, l, filepath.Dir(path)); err != nil {
		return nil, err
	}
	w.openDesk(e, l, opt, number.NewPlan(numbers))
	w.reachable(path)
	w.attendance = newAttendance(l, w.ledger, w.org != nil, w.log)
	for _, line := range l.Warnings {
		w.desk.Post(desk.Told{Severity: desk.Warning, Text: text.Clean(line)})
	}
	if n := len(recovered); n > 0 {
		line := "One call of the last run was cut off; its record is safe and on its way."
		if n > 1 {
			line = fmt.Sprintf("%d calls of the last run were cut off; their records are safe and on their way.", n)
		}
		w.desk.Post(desk.Told{Severity: desk.Warning, Text: text.Clean(line)})
	}
	return w, nil
}

// recoveredItem makes the call record of a call that a crash cut off, from what the journal knew last.
func recoveredItem(c ledger.Call) *ledger.Item {
	var rec crm.CallRecord
	if json.Unmarshal(c.Detail, &rec) != nil || rec.Key == "" {
		rec = crm.CallRecord{Version: 1, Key: c.Key, Type: crm.Direction(c.Direction), Outgoing: c.Outgoing, Number: c.Number, Name: c.Name,
			Start: c.Started, Answer: c.Answered}
	}
	rec.End, rec.Reason = c.Ended, c.Cause
	if !rec.Answer.IsZero() {
		rec.Duration = time.Duration(c.Seconds) * time.Second
		if rec.Action == "" {
			rec.Action = "answered"
		}
	}
	rec.HangUpBy = "network"
	payload, err := json.Marshal(rec)
	if err != nil {
		payload = c.Detail
	}
	return &ledger.Item{Key: c.Key, Payload: payload}
}

// openLog writes the log beside the ledger; a terminal program has no stderr to write to.
func (w *workplace) openLog(dir, level string) (err error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	path := filepath.Join(dir, "offhook.log")
	if st, err := os.Stat(path); err == nil && st.Size() > 10<<20 {
		_ = os.Rename(path, path+".1") // one old log is enough
	}
	if w.logFile, err = os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return fmt.Errorf("the log cannot be written: %w", err)
	}
	w.log = slog.New(slog.NewJSONHandler(w.logFile, &slog.HandlerOptions{Level: l}))
	return nil
}

func (w *workplace) openSound(a config.Audio) (err error) {
	w.devices, err = device.Open(device.Spec{Input: a.Input, Output: a.Output, Ring: a.Ring, Server: a.Server, EchoCancel: a.Echo, Logger: w.log})
	if err != nil {
		return err
	}
	w.headset = media.NewHeadset(w.devices.Capture, w.devices.Playback)
	if err := w.headset.SetProcessing(microphone(a)); err != nil {
		return err
	}
	return nil
}

// prefixes reads addresses and networks.
func prefixes(list []string) (out []netip.Prefix, err error) {
	for _, s := range list {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			a, err := netip.ParseAddr(s)
			if err != nil {
				return nil, fmt.Errorf("%q is neither an address nor a network", s)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}

func numberSettings(c config.Config) number.Settings {
	s := number.Settings{Region: c.Numbers.Region, InternalMaxDigits: c.Numbers.InternalMaxDigits, Emergency: c.Numbers.Emergency}
	if c.Numbers.InternalMaxDigits == 0 {
		s.InternalMaxDigits = -1 // 0 in the file means: none
	}
	if _, domain, ok := strings.Cut(c.SIP.Account, "@"); ok && c.SIP.Registrar != "" {
		s.Domain, _, _ = strings.Cut(domain, ":")
	}
	for _, r := range c.Numbers.InternalRules {
		rule := number.Rule{Prefix: r.Prefix, MinLen: r.MinLen, MaxLen: r.MaxLen}
		if r.Internal != nil && !*r.Internal {
			rule.Class = number.External
		}
		s.InternalRules = append(s.InternalRules, rule)
	}
	return s
}

func (w *workplace) openDesk(e *env, l *config.Loaded, opt options, numbers *number.Plan) {
	agent := opt.agent
	agent.Profile, agent.Version = text.Clean(l.Profile), e.version
	agent.Account = text.Clean(l.SIP.Account) // part of every call's key
	set := desk.Settings{
		Agent: agent, Pop: desk.PopTiming(l.Salesforce.Pop), NoMatch: l.Salesforce.NoMatch, OpenRecord: l.Salesforce.OpenRecord,
		Log: l.Record.Log, MissedAfter: l.UI.Missed, Linger: l.UI.Linger,
		Classify: func(p sip.Party) desk.Class { return classify(numbers, p) },
	}
	set.Compat = l.Layout.Compat
	if w.org != nil {
		set.Layout = w.org.layouts.file
	}
	if !w.dialing.Zero() {
		set.DialPlan = number.NewDialer(w.dialing, numbers).Dial
	}
	set.ForwardAfter, set.MailboxNumber, set.Recording = l.Calls.ForwardAfter, l.SIP.Voicemail, l.Recording.Dir != ""
	set.Lamps = lamps(l.SIP)
	set.Bell, set.NoMicrophone = w.devices.RingBell(), w.devices.NoMicrophone()
	if to := l.Calls.ForwardTo; to != "" {
		set.Forward = &desk.Forwards{When: desk.ForwardWhen(l.Calls.ForwardWhen), To: text.Clean(to)}
	}
	if opt.still {
		set.Linger = 0
	}
	set.Links = desk.Links{
		SIP:        desk.Link{Health: desk.HealthWaiting, Text: text.Clean("starting")},
		Salesforce: desk.Link{Health: desk.HealthWaiting, Text: text.Clean("signing in")},
		Sound:      desk.Link{Health: desk.HealthOK, Text: w.devices.Describe()},
		Hub:        desk.Link{Health: desk.HealthOff},
		Disk:       desk.Link{Health: desk.HealthOK},
	}
	if w.org == nil {
		set.Links.Salesforce = desk.Link{Health: desk.HealthOff, Text: text.Clean("not set up: records stay safe on disk")}
	}
	campaignSettings(l.Config, &set)
	if w.org != nil {
		_ = createSettings(l.Create, w.org.taskSettings, &set) // checked with the settings
	}
	set.Callbacks = keptCallbacks(context.Background(), w.ledger)
	set.SearchTyped = l.Salesforce.SearchTyped
	set.Recents = keptRecents(context.Background(), w.ledger)
	set.LastWork, set.Zone = lastWork(context.Background(), w.ledger), time.Local
	set.Drafts = keptDrafts(context.Background(), w.ledger, time.Now())
	ports := desk.Ports{Store: w.ledger, Report: reportPages{w.ledger, w.org, l.Activity}.read, Work: noWork, Phone: w.phone, Customers: offline{}, Journal: w.ledger, Demo: opt.demo, Sound: soundDevices{w.devices, w.headset}, Ring: func(on bool) {
		if on {
			w.devices.Ringer().Start()
		} else {
			w.devices.Ringer().Stop()
		}
	}}
	if w.org != nil {
		ports.Customers = w.org.directory
		ports.Browse = func(b desk.Browse) { w.org.browse(w.desk, b, opt.still) }
		ports.SendNow = w.org.sendNow
		ports.Committed = w.org.committed
		ports.Retry = w.org.retry
		ports.Work = w.org.lists.work
	}
	w.desk = desk.NewDesk(set, ports)
}

// classify is crm's rule for numbers, in the desk's words.
func classify(numbers *number.Plan, p sip.Party) desk.Class {
	class := numbers.Classify(p.Number.String(), p.Withheld, p.Host.String())
	out := desk.Class{Internal: class == number.Internal, Withheld: class == number.Withheld, Emergency: class == number.Emergency}
	if class == number.External {
		out.Place = numbers.Parse(p.Number.String()).Place()
	}
	return out
}

// start begins to take calls. The desk runs until the agent leaves, or until close; done is closed then. That ctx ends is no
// reason to drop a call without its record: whoever sees it tells the desk to leave.
func (w *workplace) start(ctx context.Context) (done <-chan struct{}) {
	ctx, w.stop = context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	w.attendance.login(ctx)
	var here context.Context
	here, w.follow = context.WithCancel(ctx)
	w.followed = make(chan struct{})
	go func() {
		defer close(w.followed)
		w.attendance.run(here, w.desk)
	}()
	if word := draftWord(w.desk.Snapshot().Drafts); word != "" {
		w.work.Go(func() { w.desk.Post(desk.Told{Severity: desk.Info, Text: text.Clean(word)}) })
	}
	w.work.Go(func() {
		defer close(ended)
		_ = w.desk.Run(ctx) // it returns nil; what went wrong was shown
	})
	w.work.Go(func() {
		if w.org != nil {
			w.org.run(ctx, w.desk)
		} else {
			countWithoutOrg(ctx, w.ledger, w.desk)
		}
	})
	return ended
}

// leave ends the calls, stops everything that works for the desk, and sends what is due once more, for at most five seconds.
func (w *workplace) leave(ctx context.Context) {
	if w.control != nil {
		_ = w.control.Close()
	}
	if w.phone != nil {
		limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		_ = w.phone.Close(limit) // a far end that does not answer its BYE keeps nobody here
		cancel()
	}
	if w.stop != nil {
		w.heard(ctx)
	}
	if w.stop != nil { // before what is due is sent once more: this is
		w.follow()
		<-w.followed
		w.attendance.logout(ctx)
	}
	if w.org != nil && w.stop != nil {
		w.org.drain(ctx)
	}
	if w.stop != nil {
		w.stop()
	}
	w.work.Wait()
	if w.org != nil {
		w.org.close()
	}
}

// heard waits until the desk knows how its calls ended: then their records are on disk and can be sent.
func (w *workplace) heard(ctx context.Context) {
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second) // a slow disk writes two states for each call
	defer cancel()
	snapshots, over := w.desk.Subscribe()
	defer over()
	for {
		select {
		case s, running := <-snapshots:
			if !running || !slices.ContainsFunc(s.Calls, func(c desk.Call) bool { return c.State != desk.Ended }) {
				return
			}
		case <-limit.Done():
			return
		}
	}
}

// close leaves, and lets go of sound and disk.
func (w *workplace) close(ctx context.Context) {
	w.left.Do(func() { w.leave(ctx) })
	if w.headset != nil {
		_ = w.headset.Close()
	}
	if w.devices != nil {
		_ = w.devices.Close()
	}
	if w.ledger != nil {
		_ = w.ledger.Close()
	}
	if w.logFile != nil {
		_ = w.logFile.Close()
	}
}

// lastWord is what a person reads after the screen is gone, when something is not in Salesforce yet.
func (w *workplace) lastWord(ctx context.Context) string {
	w.left.Do(func() { w.leave(ctx) })
	if n := w.desk.Unsaved(); n > 0 {
		return fmt.Sprintf("%d journal entries could not be written: the disk refused them. Write down the last call now.", n)
	}
	counts, err := w.ledger.Counts(context.WithoutCancel(ctx))
	if err != nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ""
	}
	switch n := counts.Unsent(); {
	case n == 0:
		return ""
	case n == 1:
		return "1 call record is safe on disk and will be sent at the next start (offhook outbox list)."
	default:
		return fmt.Sprintf("%d call records are safe on disk and will be sent at the next start (offhook outbox list).", n)
	}
}
