package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"offhook/config"
	"offhook/crm/ledger"
)

// env is what every subcommand shares: where settings come from and where output goes.
type env struct {
	configFile string
	profile    string
	practice   bool     // the settings are the demo's: an administrator's are not laid below
	set        []string // --set section.key=value
	out        io.Writer
	errOut     io.Writer
	in         io.Reader
	version    string
	sleep      func(ctx context.Context, d time.Duration) error // between questions of the device flow; nil for a timer
}

// load reads the settings.
func (e *env) load() (*config.Loaded, error) {
	flags := map[string]string{}
	for _, s := range e.set {
		k, v, ok := strings.Cut(s, "=")
		if !ok {
			return nil, fmt.Errorf("--set %s: write it as section.key=value", s)
		}
		flags[strings.TrimSpace(k)] = strings.TrimSpace(v)
	}
	return config.Load(config.Source{File: e.configFile, Profile: e.profile, Environ: os.Environ(), Flags: flags, Alone: e.practice})
}

// LedgerPath is the database of the chosen profile. Without any configuration it is the default place, so that the history
// can be read after a configuration file was moved away.
func (e *env) LedgerPath() (string, error) {
	l, err := e.load()
	if err != nil && !errors.Is(err, config.ErrNoFile) {
		return "", err
	}
	var c config.Config
	profile := e.profile
	if l != nil {
		c, profile = l.Config, l.Profile
	}
	if profile == "" {
		profile = config.DefaultProfile
	}
	return ledgerPath(c, profile)
}

func ledgerPath(c config.Config, profile string) (string, error) {
	dir, err := c.StateDir(profile)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "ledger.db"), nil
}

// secrets finds the passwords of a profile.
func secrets(l *config.Loaded) config.Secrets {
	return config.Secrets{Dir: filepath.Dir(l.Path), Profile: l.Profile, Environ: os.Getenv}
}

// holder is who we are, for the profile's lock.
func (e *env) holder() ledger.Holder {
	tty := ""
	if link, err := os.Readlink("/proc/self/fd/0"); err == nil && strings.HasPrefix(link, "/dev/") {
		tty = strings.TrimPrefix(link, "/dev/")
	}
	return ledger.Holder{Program: "offhook", Version: e.version, TTY: tty}
}
