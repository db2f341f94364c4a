package offer

import (
	"crypto/rand"
	"encoding/base64"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// keyLengths are the octets of master key and master salt together (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14.1).
var keyLengths = map[string]int{
	"AES_CM_128_HMAC_SHA1_80": 16 + 14,
	"AES_CM_128_HMAC_SHA1_32": 16 + 14,
	"AES_192_CM_HMAC_SHA1_80": 24 + 14,
	"AES_192_CM_HMAC_SHA1_32": 24 + 14,
	"AES_256_CM_HMAC_SHA1_80": 32 + 14,
	"AES_256_CM_HMAC_SHA1_32": 32 + 14,
	"AEAD_AES_128_GCM":        16 + 12,
	"AEAD_AES_256_GCM":        32 + 12,
}

// Limits of an a=crypto line.
const (
	maxCrypto   = 32        // lines of one stream that are looked at
	maxLifetime = 1 << 48   // packets of one master key (RFC 3711 §9.2)
	maxMKI      = 128       // octets (RFC 4568 §9.2)
	maxTag      = 999999999 // nine digits
)

// parseCrypto reads "1 AES_CM_128_HMAC_SHA1_80 inline:…|2^31|1:4" (RFC 4568 §9). A line that is wrong or demands what we do
// not do is none: the others of its stream stand for themselves.
func parseCrypto(v string) (Key, bool) {
	f := strings.Fields(v)
	if len(f) < 3 {
		return Key{}, false
	}
	tag, err := strconv.ParseUint(f[0], 10, 32)
	if err != nil || tag > maxTag {
		return Key{}, false
	}
	k := Key{Tag: int(tag), Suite: strings.ToUpper(f[1])}
	for _, param := range f[3:] {
		// A window size is a hint, and "-" marks what may be ignored (§6.3.6, §6.3.7). All others change what is on the wire, and
		// those that leave something unencrypted are not wanted at all.
		if !strings.HasPrefix(param, "-") && !strings.HasPrefix(strings.ToUpper(param), "WSH=") {
			return Key{}, false
		}
	}
	method, rest, ok := strings.Cut(f[2], ":")
	if !ok || !strings.EqualFold(method, "inline") || strings.Contains(rest, ";") { // of several keys any may come
		return Key{}, false
	}
	parts := strings.Split(rest, "|")
	if len(parts) > 3 {
		return Key{}, false
	}
	k.KeySalt, err = base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(parts[0], "="))
	if want := keyLengths[k.Suite]; err != nil || want == 0 || len(k.KeySalt) != want {
		return Key{}, false
	}
	for i, p := range parts[1:] {
		if value, length, isMKI := strings.Cut(p, ":"); isMKI && k.MKI == nil {
			if k.MKI = parseMKI(value, length); k.MKI == nil {
				return Key{}, false
			}
		} else if k.Lifetime = parseLifetime(p); isMKI || k.Lifetime == 0 || i > 0 { // the lifetime stands first
			return Key{}, false
		}
	}
	return k, true
}

// parseLifetime reads "2^20" or "1048576"; 0 is wrong.
func parseLifetime(s string) uint64 {
	if exp, ok := strings.CutPrefix(s, "2^"); ok {
		n, err := strconv.ParseUint(exp, 10, 8)
		if err != nil || n > 48 {
			return 0
		}
		return 1 << n
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n > maxLifetime {
		return 0
	}
	return n
}

// parseMKI reads a decimal value into so many octets; nil is wrong.
func parseMKI(value, length string) []byte {
	n, err := strconv.ParseUint(length, 10, 8)
	if err != nil || n == 0 || n > maxMKI || len(value) > 309 || value == "" || strings.Trim(value, "0123456789") != "" {
		return nil
	}
	v, ok := new(big.Int).SetString(value, 10)
	if !ok || v.BitLen() > int(n)*8 {
		return nil
	}
	return v.FillBytes(make([]byte, n))
}

// line is the value of an a=crypto line.
func (k Key) line() string {
	var b strings.Builder
	b.WriteString(strconv.Itoa(k.Tag) + " " + k.Suite + " inline:" + base64.StdEncoding.EncodeToString(k.KeySalt))
	if k.Lifetime != 0 {
		b.WriteString("|" + strconv.FormatUint(k.Lifetime, 10))
	}
	if k.MKI != nil {
		b.WriteString("|" + new(big.Int).SetBytes(k.MKI).String() + ":" + strconv.Itoa(len(k.MKI)))
	}
	return b.String()
}

// suites are those of ours whose keys we know how to make.
func (t *Terms) suites() []string {
	if t.local.Security.Policy == Plain {
		return nil
	}
	var out []string
	for _, s := range t.local.Security.Suites {
		if s = strings.ToUpper(s); keyLengths[s] != 0 && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// ownKey is what we encrypt with under a suite: the same throughout the session, so that a hold or a repeated offer does not
// begin a new key stream.
func (t *Terms) ownKey(suite string) *Key {
	for _, k := range t.keys {
		if k.Suite == suite {
			return k
		}
	}
	k := &Key{Suite: suite, KeySalt: make([]byte, keyLengths[suite])}
	rand.Read(k.KeySalt) // never fails
	t.keys = append(slices.Clip(t.keys), k)
	return k
}

// offerKeys are the lines of an offer: the suite in use first.
func (t *Terms) offerKeys() []Key {
	suites := t.suites()
	if k := t.media.SendKey; t.agreed && k != nil {
		suites = append([]string{k.Suite}, slices.DeleteFunc(suites, func(s string) bool { return s == k.Suite })...)
	}
	var out []Key
	for i, s := range suites {
		k := *t.ownKey(s)
		k.Tag = i + 1
		out = append(out, k)
	}
	return out
}

// takeKey is the first line of theirs that we can do, in their order (RFC 4568 §5.1.2).
func (t *Terms) takeKey(st stream) (Key, bool) {
	suites := t.suites()
	for _, k := range st.keys {
		if slices.Contains(suites, k.Suite) {
			return k, true
		}
	}
	return Key{}, false
}

// Rekey returns terms that make new SDES keys for the next description. Those of running sessions otherwise stay.
func (t Terms) Rekey() Terms {
	t.keys, t.stale = nil, true
	return t
}
