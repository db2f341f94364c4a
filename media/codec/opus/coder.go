package opus

import (
	"fmt"
	"runtime"

	lib "github.com/jj11hh/opus"
)

// Settings are what an encoder is asked for.
type Settings struct {
	Bitrate int  // bits per second, 6000–40000
	FEC     bool // repeat the speech of the packet before, when there is loss
	Loss    int  // percent of packets that the far end loses, 0–100
	CBR     bool // every packet of one length: its length tells nothing of what is said (RFC 6562)
}

// complexity 5 costs half of 10, for a difference that is not heard at these rates.
const complexity = 5

// Encoder turns frames into packets. It is used by one goroutine at a time; Release it when the call is over.
type Encoder struct {
	c     *lib.Encoder
	epoch int
	want  Settings
	have  Settings
}

// NewEncoder makes an encoder for speech. It works from the first Encode after the codec is ready.
func NewEncoder(s Settings) *Encoder {
	Warm()
	return &Encoder{want: bounded(s)}
}

func bounded(s Settings) Settings {
	s.Bitrate = max(6000, min(40000, s.Bitrate))
	s.Loss = max(0, min(100, s.Loss))
	return s
}

// Set changes the settings from the next packet on.
func (e *Encoder) Set(s Settings) { e.want = bounded(s) }

// Encode writes one packet of pcm, which holds 2.5, 5, 10, 20, 40 or 60 ms, to dst and returns its length.
func (e *Encoder) Encode(dst []byte, pcm []int16) (n int, err error) {
	dst = dst[:min(len(dst), MaxPacket)]
	err = call(func() error {
		if err := e.attach(); err != nil {
			return err
		}
		n, err = e.c.Encode(pcm, dst)
		return err
	})
	return n, err
}

// attach gives the encoder a coder of the present instance, and that coder its settings. The lock is held.
func (e *Encoder) attach() error {
	if e.c == nil || e.epoch != engine.epoch {
		e.c = nil
		if n := len(engine.encoders); n > 0 {
			e.c, engine.encoders = engine.encoders[n-1], engine.encoders[:n-1]
			if err := e.c.Reset(); err != nil {
				return err
			}
		} else {
			c, err := lib.NewEncoder(Rate, 1, lib.AppVoIP)
			if err != nil {
				return err
			}
			runtime.SetFinalizer(c, nil)
			e.c = c
		}
		e.epoch = engine.epoch
		if err := e.c.SetComplexity(complexity); err != nil {
			return err
		}
		if err := e.c.SetDTX(false); err != nil {
			return err
		}
		e.have = Settings{}
		if err := e.c.SetInBandFEC(false); err != nil {
			return err
		}
		if err := e.c.SetPacketLossPerc(0); err != nil {
			return err
		}
		if err := e.c.SetVBR(true); err != nil {
			return err
		}
	}
	if e.want.Bitrate != e.have.Bitrate {
		if err := e.c.SetBitrate(e.want.Bitrate); err != nil {
			return err
		}
	}
	if e.want.FEC != e.have.FEC {
		if err := e.c.SetInBandFEC(e.want.FEC); err != nil {
			return err
		}
	}
	if e.want.Loss != e.have.Loss {
		if err := e.c.SetPacketLossPerc(e.want.Loss); err != nil {
			return err
		}
	}
	if e.want.CBR != e.have.CBR {
		if err := e.c.SetVBR(!e.want.CBR); err != nil {
			return err
		}
	}
	e.have = e.want
	return nil
}

// Reset forgets the past, as before the first packet.
func (e *Encoder) Reset() {
	_ = call(func() error {
		if e.c == nil || e.epoch != engine.epoch {
			return nil
		}
		return e.c.Reset()
	})
}

// Release gives the coder back. The encoder may be used again, and begins anew.
func (e *Encoder) Release() {
	engine.mu.Lock()
	defer engine.mu.Unlock()
	if e.c != nil && e.epoch == engine.epoch && len(engine.encoders) < maxIdle {
		engine.encoders = append(engine.encoders, e.c)
	}
	e.c = nil
}

// Decoder turns packets into sound, mono whatever the far end sends. It is used by one goroutine at a time.
type Decoder struct {
	c     *lib.Decoder
	epoch int
}

// NewDecoder makes a decoder. It works from the first packet after the codec is ready.
func NewDecoder() *Decoder {
	Warm()
	return &Decoder{}
}

func (d *Decoder) attach() error {
	if d.c != nil && d.epoch == engine.epoch {
		return nil
	}
	d.c = nil
	if n := len(engine.decoders); n > 0 {
		d.c, engine.decoders = engine.decoders[n-1], engine.decoders[:n-1]
	} else {
		c, err := lib.NewDecoder(Rate, 1)
		if err != nil {
			return err
		}
		runtime.SetFinalizer(c, nil)
		d.c = c
	}
	d.epoch = engine.epoch
	return nil
}

// run decodes into pcm, whose capacity the library would use up if it were let.
func (d *Decoder) run(pcm []int16, f func(pcm []int16) (int, error)) (n int, err error) {
	if len(pcm) == 0 {
		return 0, nil
	}
	err = call(func() error {
		if err := d.attach(); err != nil {
			return err
		}
		n, err = f(pcm[:len(pcm):len(pcm)])
		return err
	})
	return n, err
}

// Decode writes the sound of one packet to pcm, which must have room for Samples(packet), and returns its length.
func (d *Decoder) Decode(pcm []int16, packet []byte) (int, error) {
	want, err := Samples(packet)
	if err != nil {
		return 0, err
	}
	if want > len(pcm) {
		return 0, fmt.Errorf("%w: longer than there is room for", ErrPacket)
	}
	return d.run(pcm[:want], func(pcm []int16) (int, error) { return d.c.Decode(packet, pcm) })
}

// Recover fills pcm with the sound that was lost just before packet, from what packet repeats of it (RFC 6716
// §2.1.7), and conceals what it does not hold. len(pcm) is the length of the gap, a multiple of 2.5 ms.
func (d *Decoder) Recover(pcm []int16, packet []byte) error {
	if _, err := Samples(packet); err != nil {
		return err
	}
	n, err := d.run(pcm, func(pcm []int16) (int, error) { return d.c.DecodeFEC(packet, pcm) })
	if err == nil {
		clear(pcm[n:])
	}
	return err
}

// Conceal fills pcm, a multiple of 2.5 ms, with what stands in for lost sound.
func (d *Decoder) Conceal(pcm []int16) error {
	n, err := d.run(pcm, func(pcm []int16) (int, error) { return d.c.DecodePLC(pcm) })
	if err == nil {
		clear(pcm[n:])
	}
	return err
}

// silence is 20 ms of nothing, coded in CELT. A decoder cannot be reset from outside, but it sets up SILK anew when it
// comes from CELT, and CELT has forgotten everything after some packets of silence.
var silence = [...]byte{0xf8, 0xff, 0xfe}

const flushing = 10

// Release gives the coder back, emptied of what it heard: the next caller must not hear the last one. The decoder may
// be used again, and begins anew.
func (d *Decoder) Release() {
	if d.c == nil {
		return
	}
	var pcm [Rate / 50]int16
	for range flushing {
		if _, err := d.Decode(pcm[:], silence[:]); err != nil {
			d.c = nil
			return
		}
	}
	engine.mu.Lock()
	defer engine.mu.Unlock()
	if d.c != nil && d.epoch == engine.epoch && len(engine.decoders) < maxIdle {
		engine.decoders = append(engine.decoders, d.c)
	}
	d.c = nil
}
