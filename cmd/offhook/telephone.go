package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/google/uuid"
	"github.com/nyaruka/phonenumbers"

	"offhook/config"
	"offhook/crm/layout"
	"offhook/crm/number"
	"offhook/desk"
	"offhook/internal/text"
	"offhook/media/record"
	"offhook/media/voice"
	"offhook/sip"
	"offhook/sip/dialog"
	"offhook/sip/offer"
	"offhook/sip/toll"
)

// telephone puts the settings of the account into the words of the phone.
func (w *workplace) telephone(e *env, l *config.Loaded) (sip.Config, error) {
	c := l.SIP
	cfg := firstAccount(c)
	cfg.DisplayName, cfg.UserAgent, cfg.UDPMax = c.DisplayName, "offhook/"+e.version, c.UDPMax
	cfg.Reliable, cfg.SessionTimer, cfg.Expires, cfg.RingLimit = dialog.Reliable(c.Reliable), c.SessionTimer, c.Expires, c.RingLimit
	cfg.AutoAnswer, cfg.RemoteControl, cfg.Withhold = c.AutoAnswer, c.RemoteControl, c.Withhold
	cfg.Mailbox, cfg.GRUU, cfg.LocalContact = c.Mailbox, c.GRUU, c.Contact == "local"
	cfg.Codecs, cfg.Region, cfg.Toll = c.Codecs, l.Numbers.Region, tollPolicy(l.Config, w.dialing)
	cfg.Headset, cfg.Devices, cfg.Logger = w.headset, w.devices.Events(), w.log
	if c.SessionTimer == 0 {
		cfg.SessionTimer = -1 // 0s in the file means: none
	}
	var err error
	if cfg.RTPMin, cfg.RTPMax, err = c.PortRange(); err != nil {
		return cfg, fmt.Errorf("sip.rtp_ports: %w", err)
	}
	if cfg.Trusted, err = prefixes(c.TrustedPeers); err != nil {
		return cfg, fmt.Errorf("sip.trusted_peers: %w", err)
	}
	if cfg.Accept, err = prefixes(c.AcceptPeers); err != nil {
		return cfg, fmt.Errorf("sip.accept_peers: %w", err)
	}
	for _, r := range c.Data {
		cfg.Data = append(cfg.Data, sip.DataRule(r))
	}
	cfg.Sound = soundConfig(l.Calls)
	if cfg.Recording, err = recordingConfig(l.Recording); err != nil {
		return cfg, err
	}
	return cfg, nil
}

func soundConfig(c config.Calls) sip.SoundConfig {
	s := sip.SoundConfig{
		SDES: c.Encryption == "sdes", DTLS: c.Encryption == "dtls", ClearKeys: c.ClearKeys, Learn: c.LearnAddress, InBand: c.DTMF == "inband",
		DSCP: c.DSCP, ICE: c.ICE,
	}
	switch c.Encrypt {
	case "optional":
		s.Protect = offer.Optional
	case "required":
		s.Protect = offer.Required
	}
	if c.DSCP == 0 { // 0 in the file means: no mark
		s.DSCP = -1
	}
	return s
}

// tollPolicy is nil when nothing is set: then the phone's own rule holds for far ends, and agents dial what they like.
func tollPolicy(c config.Config, plan layout.DialingOptions) *toll.Policy {
	t := c.Toll
	if len(t.Allow)+len(t.Deny)+len(t.TransferAllow)+len(t.RedirectAllow)+len(t.Hours)+t.PerMinute+t.PerDay == 0 {
		return nil // an outside line alone forbids nothing
	}
	week, _ := t.Week() // checked when the settings were read
	var hours []toll.Hours
	for _, s := range week {
		hours = append(hours, toll.Hours(s))
	}
	rules := func(allow []string) toll.Rules {
		return toll.Rules{Enabled: len(allow) > 0, Allow: allow, Deny: t.Deny, Hours: hours}
	}
	country, national, international := dialling(c.Numbers.Region)
	if plan.International != "" && !slices.Contains(international, plan.International) {
		international = append(international, plan.International)
	}
	outside := t.Outside
	if outside == "" {
		outside = plan.Outside
	}
	numbers := number.NewPlan(numberSettings(c))
	internal := func(n, host string) bool { return numbers.Classify(n, false, host) == number.Internal }
	return &toll.Policy{
		Internal: internal, Country: country, National: national, International: international, Outside: outside, Emergency: c.Numbers.Emergency,
		Dialled:  toll.Rules{Enabled: true, Allow: t.Allow, Deny: t.Deny, PerMinute: t.PerMinute, PerDay: t.PerDay, Hours: hours},
		Referred: rules(t.TransferAllow), Redirect: rules(t.RedirectAllow),
	}
}

// dialling is how numbers are dialled in a country: its code, what national numbers begin with, and what stands for "+".
func dialling(region string) (country, national string, international []string) {
	if n := phonenumbers.GetCountryCodeForRegion(region); n > 0 {
		country = strconv.Itoa(n)
	}
	international = []string{"00"}
	switch { // ITU-T operational bulletin: the prefixes that are not 00
	case country == "1":
		international = []string{"011"}
	case region == "AU":
		international = []string{"0011"}
	case region == "JP":
		international = []string{"010"}
	case region == "HK":
		international = []string{"001"}
	case country == "7":
		international = []string{"810", "00"}
	}
	return country, phonenumbers.GetNddPrefixForRegion(region, true), international
}

func recordingConfig(c config.Recording) (sip.RecordingConfig, error) {
	out := sip.RecordingConfig{Dir: c.Dir, Format: record.Format(c.Format), Always: c.Always, Consent: c.Consent, Remind: c.Remind}
	for _, key := range c.Recipients {
		r, err := age.ParseX25519Recipient(key)
		if err != nil {
			return out, fmt.Errorf("recording.recipients: %q is no age public key (age1…)", key)
		}
		out.Recipients = append(out.Recipients, r)
	}
	return out, nil
}

// keepRecordings puts right what a crash left in the folder of recordings, and deletes what is too old.
func (w *workplace) keepRecordings(c config.Recording, now time.Time) {
	if c.Dir == "" {
		return
	}
	mended, err := record.Repair(c.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.log.Warn("repairing recordings", "err", err)
	}
	gone, err := record.Sweep(c.Dir, c.Retention, now)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.log.Warn("deleting old recordings", "err", err)
	}
	if len(mended)+len(gone) > 0 {
		w.log.Info("recordings", "repaired", len(mended), "deleted", len(gone))
	}
}

// microphone is what is done to the agent's voice. Files and tones go out as they are: they stand in for a person where sound is
// measured, and a steady tone is noise to a suppressor.
func microphone(a config.Audio) voice.Settings {
	if kind, _, ok := strings.Cut(a.Input, ":"); ok && (kind == "tone" || kind == "file") {
		return voice.Settings{}
	}
	s := voice.Settings{HighPass: a.Noise != "off" || a.Gain, AGC: a.Gain, Speaker: a.Speaker}
	switch a.Noise {
	case "low":
		s.Suppress = voice.Low
	case "high":
		s.Suppress = voice.High
	}
	return s
}

// instance is the UUID of this installation, by which a registrar knows the same telephone again (RFC 5626 §4.1). It is made once and
// kept beside the ledger; a folder that cannot be written costs only that.
func instance(dir string) string {
	path := filepath.Join(dir, "instance")
	if raw, err := os.ReadFile(path); err == nil {
		if id, err := uuid.ParseBytes([]byte(strings.TrimSpace(string(raw)))); err == nil {
			return id.String()
		}
	}
	id := uuid.NewString()
	if err := os.WriteFile(path, []byte(id+"\n"), 0o600); err != nil {
		return ""
	}
	return id
}

// openPhone opens the account's telephone.
func (w *workplace) openPhone(ctx context.Context, e *env, l *config.Loaded, dir string) error {
	cfg, err := w.telephone(e, l)
	if err != nil {
		return err
	}
	w.keepRecordings(l.Recording, time.Now())
	c := l.SIP
	cfg.CallKey = func(callID, localTag string) string {
		return string(desk.NewCallKey(callID, localTag, text.Clean(l.SIP.Account)))
	}
	cfg.Instance = instance(dir)
	if c.Account == "" {
		cfg.Account = "sip:offhook@localhost"
	}
	if c.Registrar != "" {
		cfg.Password = func(ctx context.Context) (string, error) { return secrets(l).SIPPassword(ctx, c) }
	}
	cfg.Lamps = watchedBy(c, c.Account)
	w.phone, err = openPhones(ctx, cfg, l)
	return err
}

// mappedFields are the Task fields that headers of calls go into.
func mappedFields(rules []config.DataRule) (out []string) {
	for _, r := range rules {
		if r.Task != "" && !slices.Contains(out, r.Task) {
			out = append(out, r.Task)
		}
	}
	return out
}
