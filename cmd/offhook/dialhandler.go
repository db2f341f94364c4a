package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"offhook/internal/text"
)

// desktopEntry is the file of the entry, and its name for xdg-mime.
const desktopEntry = "offhook-dial.desktop"

// linkSchemes are the links that offhook understands.
var linkSchemes = []string{"tel", "sip", "sips"}

// dialHandler prints or writes the entry that makes a desktop open links with offhook, and tells how to make it the default.
func (e *env) dialHandler(ctx context.Context, install bool) error {
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		return errors.New("entries for links are made for Linux and BSD desktops only; here, paste the number into the dial box (o)")
	}
	program, err := os.Executable()
	if err != nil {
		return err
	}
	config := e.configFile
	if config != "" {
		if config, err = filepath.Abs(config); err != nil {
			return err
		}
	}
	entry, err := handlerEntry(program, config, e.profile)
	if err != nil {
		return err
	}
	dir, err := applications()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, desktopEntry)
	var types []string
	for _, s := range linkSchemes {
		types = append(types, "x-scheme-handler/"+s)
	}
	if install {
		if err := writeEntry(path, entry); err != nil {
			return fmt.Errorf("the entry was not written: %w", err)
		}
		fmt.Fprintf(e.out, "Written: %s\n", path)
	} else {
		fmt.Fprintf(e.out, "%s\n# Its place: %s (offhook dial --handler --install writes it)\n", entry, path)
	}
	fmt.Fprintf(e.out, "# Make it the default:  xdg-mime default %s %s\n", desktopEntry, strings.Join(types, " "))
	for _, s := range linkSchemes {
		if word := ownerWord(s, linkOwner(ctx, s)); word != "" {
			fmt.Fprintln(e.errOut, "offhook: "+word)
		}
	}
	return nil
}

// handlerEntry is the desktop entry (freedesktop.org's Desktop Entry Specification 1.5).
func handlerEntry(program, config, profile string) (string, error) {
	args := []string{program}
	if config != "" {
		args = append(args, "--config", config)
	}
	if profile != "" {
		args = append(args, "--profile", profile)
	}
	for i, a := range args {
		q, err := quoteExec(a)
		if err != nil {
			return "", err
		}
		args[i] = q
	}
	mime := ""
	for _, s := range linkSchemes {
		mime += "x-scheme-handler/" + s + ";"
	}
	return "[Desktop Entry]\nType=Application\nName=offhook\nComment=Hands the number of a link to the running desk, which asks before it calls\n" +
		"Exec=" + strings.Join(args, " ") + " dial --notify -- %u\nTerminal=false\nNoDisplay=true\nMimeType=" + mime + "\n", nil
}

// quoteExec writes one argument of the key Exec: quoted, and escaped twice, once as an argument and once as a string of the file.
func quoteExec(s string) (string, error) {
	if s != text.Clean(s).String() {
		return "", fmt.Errorf("an entry cannot name %q: its characters do not belong into a path", s)
	}
	arg := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", `$`, `\$`, `%`, `%%`).Replace(s)
	return `"` + strings.ReplaceAll(arg, `\`, `\\`) + `"`, nil
}

// applications is where a user's own entries are.
func applications() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "applications"), nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "share", "applications"), err
}

// writeEntry puts the file in place in one step.
func writeEntry(path, entry string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".offhook-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(entry)
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// linkOwner is the entry that opens links of a scheme now; empty: none, or nobody knows.
func linkOwner(ctx context.Context, scheme string) text.Text {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "xdg-mime", "query", "default", "x-scheme-handler/"+scheme).Output()
	if err != nil {
		return text.Text{}
	}
	return text.Clean(string(out)).Truncate(80)
}

// ownerWord says that another program gets the links; empty: it does not.
func ownerWord(scheme string, owner text.Text) string {
	if owner.Empty() || owner.String() == desktopEntry {
		return ""
	}
	return scheme + ": links are opened by another program now, " + strings.TrimSuffix(owner.String(), ".desktop") + ": they do not reach your desk before offhook is the default."
}
