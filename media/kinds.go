package media

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"offhook/media/codec/opus"
)

// kind is what a payload holds.
type kind uint8

const (
	noSound kind = iota
	kindPCMU
	kindPCMA
	kindG722
	kindCN
	kindOpus
)

// clock is the RTP clock of a kind, in ticks per second.
func (k kind) clock() int {
	if k == kindOpus {
		return Opus.RTPClock
	}
	return 8000
}

// ticks is a time in ticks of a clock.
func ticks(d time.Duration, clock int) int64 {
	return int64(d/time.Second)*int64(clock) + int64(d%time.Second)*int64(clock)/int64(time.Second)
}

// ofTicks is n ticks of a clock as a time.
func ofTicks(n int64, clock int) time.Duration {
	return time.Duration(n/int64(clock))*time.Second + time.Duration(n%int64(clock))*time.Second/time.Duration(clock)
}

// sound tells whether a payload can be of its kind at all, by its length and, for Opus, its first octets.
func (k kind) sound(payload []byte) bool {
	if k == noSound || len(payload) == 0 || len(payload) > maxPayload {
		return false
	}
	if k == kindOpus {
		_, err := opus.Samples(payload)
		return err == nil
	}
	return true
}

// samples is the length of a payload's sound at 16 kHz, after it was found to be sound.
func (k kind) samples(payload []byte) int {
	switch k {
	case kindOpus:
		n, _ := opus.Samples(payload)
		return n
	case kindCN:
		return 0
	}
	return 2 * len(payload) // an octet is a tick, and two samples
}

// codecs finds the kind of the negotiated codec and which payload types are understood. Known static types are, too.
func (c *config) codecs() error {
	known := [...]struct {
		codec Codec
		kind  kind
	}{{PCMU, kindPCMU}, {PCMA, kindPCMA}, {G722, kindG722}, {Opus, kindOpus}}
	for _, k := range known {
		if k.kind != kindOpus { // has no static type
			c.kinds[k.codec.PT] = k.kind
		}
		if strings.EqualFold(k.codec.Name, c.Codec.Name) {
			c.kind = k.kind
		}
	}
	switch {
	case c.kind == noSound:
		return fmt.Errorf("configure sound: codec %q is not known", c.Codec.Name)
	case c.kind == kindOpus && !opus.Available():
		return fmt.Errorf("configure sound: %w", opus.ErrUnavailable)
	case c.kind == kindOpus:
		opus.Warm()
		c.opus = opusSettings(c.Fmtp)
	}
	return nil
}

// frames is how many frames go into a packet. Opus knows no packets of 30 and 50 ms.
func (c *config) frames() int {
	n := max(1, min(6, int(c.PTime/(10*time.Millisecond))))
	if c.kind == kindOpus && (n == 3 || n == 5) {
		n--
	}
	return n
}

// usualBitrate is what speech at 16 kHz needs with Opus.
const usualBitrate = 24000

// opusSettings obeys what the far end says of its decoder (RFC 7587 §6.1).
func opusSettings(fmtp string) opus.Settings {
	s := opus.Settings{Bitrate: usualBitrate}
	for part := range strings.SplitSeq(fmtp, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "maxaveragebitrate":
			if n, err := strconv.Atoi(value); err == nil && n > 0 {
				s.Bitrate = max(6000, min(usualBitrate, n))
			}
		case "useinbandfec":
			s.FEC = value == "1"
		case "cbr":
			s.CBR = value == "1"
		}
	}
	return s
}
