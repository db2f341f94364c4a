package hub

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"offhook/internal/text"
)

// Key names one agent's place on the board: site, team and agent, as people write them.
type Key struct{ Site, Team, Agent string }

// maxToken bounds one part of a key on the wire. Subjects are parsed on every message, and a line of the NATS protocol
// must stay short.
const maxToken = 48

// String is the key as it stands on the bus, "<site>.<team>.<agent>", each part a token.
func (k Key) String() string { return token(k.Site) + "." + token(k.Team) + "." + token(k.Agent) }

// ParseKey reads a key from the bus.
func ParseKey(s string) (Key, error) {
	parts := strings.Split(s, ".")
	if len(parts) != 3 {
		return Key{}, fmt.Errorf("%q is not site.team.agent", clip(s, 80))
	}
	for _, p := range parts {
		if !isToken(p) {
			return Key{}, fmt.Errorf("%q is not a part of a key", clip(p, 80))
		}
	}
	return Key{untoken(parts[0]), untoken(parts[1]), untoken(parts[2])}, nil
}

// token makes a NATS-safe token of a name: letters, digits, - and _ stay, every other byte becomes =XX. Different names
// stay different, so that nobody can take another agent's place by a clever spelling; a name that is too long keeps its
// head and the hash of the whole.
func token(name string) string {
	name = text.Clean(name).String()
	if name == "" {
		return "_"
	}
	var sb strings.Builder
	for i := range len(name) {
		if c := name[i]; plain(c) {
			sb.WriteByte(c)
		} else {
			fmt.Fprintf(&sb, "=%02X", c)
		}
	}
	s := sb.String()
	if len(s) <= maxToken {
		return s
	}
	sum := sha256.Sum256([]byte(name))
	head := s[:maxToken-17]
	if i := strings.LastIndexByte(head, '='); i > len(head)-3 { // half an escape
		head = head[:i]
	}
	return head + "-" + hex.EncodeToString(sum[:8])
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// isToken reports whether s could have come from token.
func isToken(s string) bool {
	if s == "" || len(s) > maxToken {
		return false
	}
	for i := range len(s) {
		if !plain(s[i]) && s[i] != '=' {
			return false
		}
	}
	return true
}

// untoken is the name as a person reads it.
func untoken(s string) string {
	if s == "_" {
		return ""
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '=' && i+2 < len(s) {
			if c, err := hex.DecodeString(s[i+1 : i+3]); err == nil {
				b = append(b, c[0])
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return text.Clean(string(b)).String()
}

func clip(s string, n int) string { return text.Clean(s).Runes(n).String() }

// Mask hides the middle of a telephone number: 07814256404 becomes 0781…404. At least four digits are hidden; numbers of
// five digits or fewer are colleagues and stay as they are. What is no number is returned without any number in it.
func Mask(number text.Text) text.Text {
	s := number.String()
	digits := make([]rune, 0, len(s))
	plus := strings.HasPrefix(s, "+")
	for _, r := range s {
		if r >= '0' && r <= '9' {
			digits = append(digits, r)
		}
	}
	n := len(digits)
	if n <= 5 {
		return number.Runes(16)
	}
	show := min(n-4, 7)
	head := (show + 1) / 2
	out := string(digits[:head]) + "…" + string(digits[n-(show-head):])
	if plus {
		out = "+" + out
	}
	return text.Clean(out)
}

// maskName lets a name through unless a telephone number stands in it, as when an exchange sends the number as the name.
func maskName(name text.Text, runes int) text.Text {
	n := 0
	for _, r := range name.String() {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	if n > 5 {
		return text.Text{}
	}
	return name.Runes(runes)
}

// masked is Mask for a number that should be masked already.
func masked(number text.Text) text.Text {
	n := 0
	for _, r := range number.String() {
		if r >= '0' && r <= '9' {
			n++
		}
	}
	if n > 7 { // more than Mask leaves
		return Mask(number)
	}
	return number
}
