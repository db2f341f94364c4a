package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Problem is one thing that is wrong with the settings.
type Problem struct {
	File string // file, environment variable or flag
	Line int    // 0 when unknown
	Key  string
	Text string
}

func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if p.Key != "" {
		fmt.Fprintf(&b, ": %s", p.Key)
	}
	return b.String() + ": " + p.Text
}

// Problems is everything that is wrong, found in one pass.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, q := range p {
		lines[i] = q.String()
	}
	return strings.Join(lines, "\n")
}

// checkTable finds unknown keys and wrong types in one table of a file.
func checkTable(file, raw string, table map[string]any) (bad Problems) {
	sections := map[string]Section{}
	var names []string
	for _, s := range Sections() {
		sections[s.Name] = s
		names = append(names, s.Name)
	}
	for name, v := range table {
		_, ok := sections[name]
		if !ok {
			p := Problem{File: file, Line: lineOf(raw, name), Key: name, Text: "there is no such section"}
			if near := nearest(name, names); near != "" {
				p.Text += "; did you mean [" + near + "]?"
			}
			bad = append(bad, p)
			continue
		}
		t, ok := v.(map[string]any)
		if !ok {
			bad = append(bad, Problem{File: file, Line: lineOf(raw, name), Key: name, Text: fmt.Sprintf("must be a section, as [%s]", name)})
			continue
		}
		if name == "keys" {
			bad = append(bad, checkKeys(file, raw, t)...)
			continue
		}
		for key, value := range t {
			path := name + "." + key
			k, ok := Find(path)
			if !ok {
				bad = append(bad, unknownKey(file, lineOf(raw, path), path))
				continue
			}
			if text := k.check(value); text != "" {
				bad = append(bad, Problem{File: file, Line: lineOf(raw, path), Key: path, Text: text})
			}
		}
	}
	slices.SortFunc(bad, func(a, b Problem) int { return a.Line - b.Line })
	return bad
}

func unknownKey(file string, line int, path string) Problem {
	var known []string
	for _, s := range Sections() {
		for _, k := range s.Keys {
			known = append(known, k.Path)
		}
	}
	p := Problem{File: file, Line: line, Key: path, Text: "there is no such setting"}
	if near := nearest(path, known); near != "" {
		p.Text += "; did you mean " + near + "?"
	}
	return p
}

// checkKeys accepts a key or a list of keys for each action; whether the action exists and the keys are free is the key
// map's to say.
func checkKeys(file, raw string, t map[string]any) (bad Problems) {
	for action, v := range t {
		switch v := v.(type) {
		case string:
			t[action] = []any{v}
		case []any:
			for _, e := range v {
				if _, ok := e.(string); !ok {
					bad = append(bad, Problem{File: file, Line: lineOf(raw, "keys."+action), Key: "keys." + action, Text: "must be a list of key names"})
				}
			}
		default:
			bad = append(bad, Problem{File: file, Line: lineOf(raw, "keys."+action), Key: "keys." + action, Text: "must be a key name or a list of key names"})
		}
	}
	return bad
}

// check says what is wrong with a value of the file, or nothing.
func (k Key) check(v any) string {
	switch k.Type {
	case "true/false":
		if _, ok := v.(bool); !ok {
			return fmt.Sprintf("must be true or false, without quotes, not %v", v)
		}
	case "integer":
		if _, ok := v.(int64); !ok {
			return fmt.Sprintf("must be a whole number, not %v", v)
		}
	case "duration":
		s, ok := v.(string)
		if !ok {
			return `must be a duration in quotes, as "2s" or "5m"`
		}
		if d, err := time.ParseDuration(s); err != nil || d < 0 {
			return fmt.Sprintf(`%q is not a duration; write it as "2s" or "5m"`, s)
		}
	case "list":
		list, ok := v.([]any)
		if !ok {
			return fmt.Sprintf(`must be a list, as ["a", "b"], not %v`, v)
		}
		for _, e := range list {
			if _, ok := e.(string); !ok {
				return fmt.Sprintf("must be a list of texts in quotes; %v is not one", e)
			}
		}
	case "list of tables":
		list, ok := v.([]any)
		if !ok {
			return "must be a list of tables, as [{prefix = \"7\", min_len = 6, max_len = 6}]"
		}
		return k.checkTables(list)
	default:
		if _, ok := v.(string); !ok {
			return fmt.Sprintf("must be a text in quotes, not %v", v)
		}
	}
	return k.checkEnum(v)
}

func (k Key) checkEnum(v any) string {
	s, ok := v.(string)
	if !ok || len(k.Enum) == 0 || slices.Contains(k.Enum, s) {
		return ""
	}
	text := fmt.Sprintf("%q is not allowed; choose %s", s, strings.Join(k.choices(), ", "))
	if near := nearest(s, k.Enum); near != "" {
		text += fmt.Sprintf(" (%s?)", near)
	}
	return text
}

// validate checks what no single type can: addresses, files, and settings that only make sense together.
func (l *Loaded) validate() (bad Problems) {
	add := func(key, format string, args ...any) {
		file := l.origin[key]
		if file == "default" || file == "" {
			file = l.Path
		}
		bad = append(bad, Problem{File: file, Key: key, Text: fmt.Sprintf(format, args...)})
	}
	c := l.Config
	for _, s := range Sections() {
		for _, k := range s.Keys {
			if v, ok := l.values.Get(strings.ReplaceAll(k.Path, ".", sep)).(string); ok {
				if text := k.checkEnum(v); text != "" {
					add(k.Path, "%s", text)
				}
			}
		}
	}
	if c.SIP.Account != "" && !strings.Contains(strings.TrimPrefix(c.SIP.Account, "sip:"), "@") {
		add("sip.account", "%q is not an address; write it as sip:2101@pbx.example.com", c.SIP.Account)
	}
	if c.SIP.Account == "" && c.SIP.Registrar != "" {
		add("sip.account", "is needed to register; write it as sip:2101@pbx.example.com, or set registrar = \"\" to take calls without an exchange")
	}
	if len(c.SIP.Lamps) > 64 {
		add("sip.lamps", "%d colleagues are more than the 64 that can be watched", len(c.SIP.Lamps))
	}
	seen := map[string]bool{}
	for _, lamp := range c.SIP.Lamps {
		switch n := strings.TrimSpace(lamp.Number); {
		case n == "":
			add("sip.lamps", "a colleague has no number; write {number = \"2102\", name = \"Billie\"}")
		case seen[n]:
			add("sip.lamps", "%q is there twice", n)
		default:
			seen[n] = true
		}
		if a := strings.TrimSpace(lamp.Account); a != "" && !c.SIP.Has(a) {
			add("sip.lamps", "%q is none of your accounts", a)
		}
	}
	if _, err := c.Toll.Week(); err != nil {
		add("toll.hours", "%v", err)
	}
	for key, p := range c.Toll.unfit() {
		add(key, "%q is the beginning of no number, so it decides nothing; write its digits, as 0900 or +44 70, or * for every number", p)
	}
	for _, a := range c.SIP.Accounts {
		switch {
		case !strings.Contains(strings.TrimPrefix(a.Account, "sip:"), "@"):
			add("sip.accounts", "%q is not an address; write it as sip:31@pbx.example.com", a.Account)
		case !slices.Contains([]string{"", "udp", "tcp", "tls", "auto"}, a.Transport):
			add("sip.accounts", "%q is not a transport; choose udp, tcp, tls or auto", a.Transport)
		case c.SIP.Account == "" || c.SIP.Registrar == "":
			add("sip.accounts", "further accounts need sip.account and its registrar: calls go out from that one")
		}
	}
	if c.SIP.Password != "" && !c.SIP.AllowPlaintext {
		add("sip.password", "a password in this file is refused; use password_command, the keyring, OFFHOOK_SIP_PASSWORD, or set allow_plaintext = true")
	}
	if _, err := netip.ParseAddrPort(c.SIP.Listen); err != nil {
		add("sip.listen", "%q is not an address with a port, as 0.0.0.0:5060", c.SIP.Listen)
	}
	if _, _, err := c.SIP.PortRange(); err != nil {
		add("sip.rtp_ports", "%v", err)
	}
	for _, codec := range c.SIP.Codecs {
		if !slices.Contains([]string{"opus", "G722", "PCMU", "PCMA"}, codec) {
			add("sip.codecs", "%q is not a codec of this telephone; choose from opus, G722, PCMU, PCMA", codec)
		}
	}
	c.Salesforce.check(add)
	if c.Numbers.InternalMaxDigits < 0 {
		add("numbers.internal_max_digits", "cannot be less than 0; 0 makes no number internal by its length")
	}
	if len(c.Numbers.Region) != 2 || strings.ToUpper(c.Numbers.Region) != c.Numbers.Region {
		add("numbers.region", "%q is not a two-letter country, as GB or DE", c.Numbers.Region)
	}
	c.checkCampaigns(add)
	if c.Record.TimeZone != "" {
		if _, err := time.LoadLocation(c.Record.TimeZone); err != nil {
			add("record.time_zone", "%q is not a time zone, as Europe/London", c.Record.TimeZone)
		}
	}
	return bad
}

// PortRange is the range of rtp_ports; 0, 0 lets the system choose.
func (s SIP) PortRange() (lo, hi int, err error) {
	if s.RTPPorts == "" || s.RTPPorts == "0" {
		return 0, 0, nil
	}
	a, b, ok := strings.Cut(s.RTPPorts, "-")
	lo, err1 := strconv.Atoi(strings.TrimSpace(a))
	hi, err2 := strconv.Atoi(strings.TrimSpace(b))
	if !ok || err1 != nil || err2 != nil || lo < 1024 || hi > 65535 || hi-lo < 3 {
		return 0, 0, fmt.Errorf("%q is not a range of at least four ports above 1023, as 16000-16999", s.RTPPorts)
	}
	return lo, hi, nil
}

// lineOf finds the line on which a path is set; 0 when it cannot be told.
func lineOf(raw, path string) int {
	section, key, hasKey := strings.Cut(path, ".")
	in := ""
	for i, line := range strings.Split(raw, "\n") {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "["); ok {
			in = strings.Trim(name, "[] ")
			if i := strings.LastIndexByte(in, '.'); strings.HasPrefix(in, "profile.") && i >= 0 {
				in = in[i+1:]
			}
			if !hasKey && in == section {
				return i + 1
			}
			continue
		}
		name, _, ok := strings.Cut(line, "=")
		name = strings.Trim(strings.TrimSpace(name), `"'`)
		if ok && (hasKey && in == section && name == key || !hasKey && in == "" && name == section || in == "" && name == path) {
			return i + 1
		}
	}
	return 0
}
