package config

import (
	"os"
	"path/filepath"
	"runtime"
)

// File is where the user's settings are looked for: $XDG_CONFIG_HOME/offhook/config.toml, or the system's own place.
func File() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	if runtime.GOOS == "darwin" { // people keep dotfiles there too, and documentation needs one place
		if home, err := os.UserHomeDir(); err == nil && os.Getenv("XDG_CONFIG_HOME") == "" {
			dir = filepath.Join(home, ".config")
		}
	}
	return filepath.Join(dir, "offhook", "config.toml"), nil
}

// systemFile holds an administrator's settings for everybody on a machine; the user's own file goes over it.
func systemFile() string {
	if runtime.GOOS == "windows" {
		return filepath.Join(os.Getenv("ProgramData"), "offhook", "config.toml")
	}
	return "/etc/offhook/config.toml"
}

// StateDir is where a profile's ledger and log live: storage.dir when set, else $XDG_STATE_HOME/offhook/PROFILE.
func (c Config) StateDir(profile string) (string, error) {
	if c.Storage.Dir != "" {
		return filepath.Join(expand(c.Storage.Dir), profile), nil
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "offhook", profile), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "state", "offhook", profile), nil
}

// expand replaces a leading ~/ by the home folder.
func expand(path string) string {
	if len(path) > 1 && path[0] == '~' && os.IsPathSeparator(path[1]) {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, path[2:])
		}
	}
	return path
}
