package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/zalando/go-keyring"
)

// ErrNoSecret says that none of the places where a secret may be has it.
var ErrNoSecret = errors.New("not found")

// keyringService is the name under which offhook's secrets stand in the system's keyring.
const keyringService = "offhook"

// Secrets finds secrets for one profile. Places, in order: the command of the settings, the system's keyring, the age file
// next to the configuration, the environment; last the file itself where allow_plaintext permits it.
type Secrets struct {
	Dir     string // folder of the configuration: secrets.age and its identity.txt
	Profile string
	Environ func(string) string
}

// SIPPassword is the password of the telephone account.
func (s Secrets) SIPPassword(ctx context.Context, c SIP) (string, error) {
	v, err := s.find(ctx, c.PasswordCommand, "sip.password", "OFFHOOK_SIP_PASSWORD")
	if errors.Is(err, ErrNoSecret) && c.AllowPlaintext && c.Password != "" {
		return c.Password, nil
	}
	if errors.Is(err, ErrNoSecret) {
		return "", fmt.Errorf("the password of %s is %w: set sip.password_command, or put it into the keyring with offhook login --sip", c.Account, ErrNoSecret)
	}
	if err != nil && c.PasswordCommand != "" {
		return "", fmt.Errorf("%w; run it in a shell to see why, or correct sip.password_command", err)
	}
	return v, err
}

// AccountPassword is the password of one of the further accounts: its command's, else the keyring's or age file's under its own
// address, else that of the first account.
func (s Secrets) AccountPassword(ctx context.Context, c SIP, a Account) (string, error) {
	v, err := s.find(ctx, a.PasswordCommand, "sip.password "+strings.TrimPrefix(a.Account, "sip:"), "")
	if errors.Is(err, ErrNoSecret) {
		return s.SIPPassword(ctx, c)
	}
	if err != nil && a.PasswordCommand != "" {
		return "", fmt.Errorf("%w; run it in a shell to see why, or correct password_command of %s", err, a.Account)
	}
	return v, err
}

// ClientSecret is the secret of the Salesforce app, from its command only: a secret in a file is one that is copied.
func (s Secrets) ClientSecret(ctx context.Context, c Salesforce) (string, error) {
	v, err := runCommand(ctx, c.SecretCommand)
	if err != nil {
		return "", fmt.Errorf("%w; run it in a shell to see why, or correct salesforce.client_secret_command", err)
	}
	return v, nil
}

// HubToken is the token of the team's hub; empty when none is set.
func (s Secrets) HubToken(ctx context.Context, c Hub) (string, error) {
	if c.TokenFile != "" {
		b, err := os.ReadFile(expand(c.TokenFile))
		if err != nil {
			return "", fmt.Errorf("hub.token_file cannot be read: %w", err)
		}
		return strings.TrimSpace(string(b)), nil
	}
	v, err := s.find(ctx, c.TokenCommand, "hub.token", "OFFHOOK_HUB_TOKEN")
	if errors.Is(err, ErrNoSecret) {
		return "", nil
	}
	return v, err
}

func (s Secrets) find(ctx context.Context, command, name, env string) (string, error) {
	if command != "" {
		return runCommand(ctx, command)
	}
	if v, err := keyring.Get(keyringService, s.Profile+" "+name); err == nil {
		return v, nil
	}
	if v, err := s.fromAge(name); err == nil || !errors.Is(err, ErrNoSecret) {
		return v, err
	}
	if s.Environ != nil && env != "" {
		if v := s.Environ(env); v != "" {
			return v, nil
		}
	}
	return "", ErrNoSecret
}

// Keep puts a secret into the system's keyring.
func (s Secrets) Keep(name, value string) error {
	if err := keyring.Set(keyringService, s.Profile+" "+name, value); err != nil {
		return fmt.Errorf("the keyring does not take it (%w); use a command or an age file instead", err)
	}
	return nil
}

// runCommand takes the first line that a command prints. It gets no terminal, ten seconds, and its complaint is passed on.
func runCommand(ctx context.Context, command string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	shell, flag := "/bin/sh", "-c"
	if runtime.GOOS == "windows" {
		shell, flag = "cmd", "/C"
	}
	cmd := exec.CommandContext(ctx, shell, flag, command)
	cmd.WaitDelay = time.Second
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		why := strings.TrimSpace(complaint.String())
		if why == "" {
			why = err.Error()
		}
		return "", fmt.Errorf("the command %q failed: %s", command, firstLine(why))
	}
	if line := firstLine(out.String()); line != "" {
		return line, nil
	}
	return "", fmt.Errorf("the command %q printed nothing", command)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimRight(line, "\r ")
}

// fromAge reads NAME = VALUE lines out of secrets.age, decrypted with identity.txt beside it.
func (s Secrets) fromAge(name string) (string, error) {
	sealed, err := os.Open(filepath.Join(s.Dir, "secrets.age"))
	if err != nil {
		return "", ErrNoSecret
	}
	defer sealed.Close()
	identityFile, err := os.Open(filepath.Join(s.Dir, "identity.txt"))
	if err != nil {
		return "", fmt.Errorf("secrets.age is there, but its identity.txt is not: %w", err)
	}
	defer identityFile.Close()
	identities, err := age.ParseIdentities(identityFile)
	if err != nil {
		return "", fmt.Errorf("identity.txt: %w", err)
	}
	plain, err := age.Decrypt(sealed, identities...)
	if err != nil {
		return "", fmt.Errorf("secrets.age cannot be opened with identity.txt: %w", err)
	}
	raw, err := io.ReadAll(io.LimitReader(plain, 1<<20))
	if err != nil {
		return "", fmt.Errorf("secrets.age is damaged: %w", err)
	}
	for line := range strings.SplitSeq(string(raw), "\n") {
		key, value, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if ok && (key == s.Profile+"."+name || key == name) {
			return strings.TrimSpace(value), nil
		}
	}
	return "", ErrNoSecret
}
