package device

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// address is one place where a sound server may listen.
type address struct {
	network string // unix, tcp, tcp4 or tcp6
	addr    string
}

func (a address) dial() (net.Conn, error) {
	limit := 2 * time.Second
	if a.network == "unix" {
		limit = 500 * time.Millisecond
	}
	return net.DialTimeout(a.network, a.addr, limit)
}

// location is where to look for the sound server, and what to say about it.
type location struct {
	addrs  []address
	asked  string // the setting or $PULSE_SERVER, when one of them decided
	cookie []byte // 256 bytes
	ssh    bool   // a login over SSH whose sound was not directed elsewhere
}

const cookieSize = 256

// locate finds the sound server in the order of PulseAudio's own client (client.conf(5), "ServerStrings"): the
// setting, the environment, the runtime folders.
func locate(setting string, getenv func(string) string) location {
	loc := location{cookie: cookie(getenv)}
	host, _ := os.Hostname()
	for _, s := range []string{setting, getenv("PULSE_SERVER")} {
		if strings.TrimSpace(s) != "" {
			loc.asked, loc.addrs = s, parseServers(s, host, machineID())
			return loc
		}
	}
	loc.ssh = getenv("SSH_CONNECTION") != ""
	var paths []string
	if d := getenv("PULSE_RUNTIME_PATH"); d != "" {
		paths = append(paths, filepath.Join(d, "native"))
	}
	if d := getenv("XDG_RUNTIME_DIR"); d != "" {
		paths = append(paths, filepath.Join(d, "pulse", "native"))
	}
	if uid := os.Getuid(); uid >= 0 && runtime.GOOS == "linux" {
		paths = append(paths, filepath.Join("/run/user", strconv.Itoa(uid), "pulse", "native"))
	}
	if home, id := getenv("HOME"), machineID(); home != "" && id != "" {
		paths = append(paths, filepath.Join(home, ".config", "pulse", id+"-runtime", "native"))
	}
	seen := make(map[string]bool)
	for _, p := range paths {
		if !seen[p] {
			seen[p] = true
			loc.addrs = append(loc.addrs, address{"unix", p})
		}
	}
	return loc
}

// parseServers reads a PulseAudio server string: a list, separated by blanks, of {machine}unix:/path, /path,
// tcp:host:port, tcp4:, tcp6: and plain host names; what it does not understand it leaves out. An entry for another
// machine (by host name or machine id) is left out.
func parseServers(list, host, id string) []address {
	var out []address
	for s := range strings.FieldsSeq(list) {
		if rest, ok := strings.CutPrefix(s, "{"); ok {
			machine, entry, ok := strings.Cut(rest, "}")
			if !ok || machine != host && (id == "" || machine != id) {
				continue
			}
			s = entry
		}
		network, addr, ok := strings.Cut(s, ":")
		switch {
		case s == "":
		case strings.HasPrefix(s, "/"):
			out = append(out, address{"unix", s})
		case ok && network == "unix":
			if addr != "" {
				out = append(out, address{"unix", addr})
			}
		case ok && (network == "tcp" || network == "tcp4" || network == "tcp6"):
			if addr = withPort(addr); addr != "" {
				out = append(out, address{network, addr})
			}
		default:
			if addr = withPort(s); addr != "" {
				out = append(out, address{"tcp", addr})
			}
		}
	}
	return out
}

// withPort adds PulseAudio's port to a host that has none; an IPv6 address may come with or without brackets. What
// cannot be dialled becomes empty.
func withPort(s string) string {
	if host, port, err := net.SplitHostPort(s); err == nil {
		if host == "" || port == "" {
			return ""
		}
		return s
	}
	host := strings.TrimSuffix(strings.TrimPrefix(s, "["), "]")
	if host == "" || strings.ContainsAny(host, "[]") || strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return ""
	}
	return net.JoinHostPort(host, "4713")
}

// cookie is the secret of the server; 256 zeros are as good as any where the server asks for none.
func cookie(getenv func(string) string) []byte {
	path := getenv("PULSE_COOKIE")
	if path == "" && getenv("HOME") != "" {
		path = filepath.Join(getenv("HOME"), ".config", "pulse", "cookie")
	}
	out := make([]byte, cookieSize)
	if b, err := os.ReadFile(path); path != "" && err == nil {
		copy(out, b)
	}
	return out
}

func machineID() string {
	b, err := os.ReadFile("/etc/machine-id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
