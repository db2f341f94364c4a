// Package opus is the Opus codec (RFC 6716) at 16 kHz mono: libopus, compiled to WebAssembly, behind one lock. The
// library below has one instance for the whole process and forgives nothing, so this package is the only one that may
// touch it: every call is made under the lock, no finalizer of it ever runs, coders are used again and again, and an
// instance that has failed is rebuilt once. It never compiles on a caller's time (Warm does that in the background),
// never writes to the standard log and never panics, whatever a stranger's packet holds.
package opus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"runtime"
	"sync"
	"sync/atomic"

	lib "github.com/jj11hh/opus"
)

// Rate is the sampling rate on our side of the coder, and MaxPacket the most octets that one encoded packet takes.
const (
	Rate      = 16000
	MaxPacket = 1275
)

// Errors that a caller decides on.
var (
	// ErrNotReady is returned while the codec is being compiled: a packet is then left out, and a gap concealed.
	ErrNotReady = errors.New("Opus is being prepared")
	// ErrUnavailable is returned where there is no compiler for this processor, or after the codec failed twice.
	ErrUnavailable = errors.New("Opus is not available")
	// ErrPacket is returned for a payload that is not Opus (RFC 6716 §3.4).
	ErrPacket = errors.New("not an Opus packet")
	// errBroken is the codec's instance failing in a way from which it does not come back.
	errBroken = errors.New("Opus failed")
)

// engine is the library's one instance. The library holds it in package variables, so that its guard must be one too.
var engine struct {
	mu       sync.Mutex
	state    atomic.Int32
	epoch    int // of the instance: coders of an older one are gone
	failures int
	encoders []*lib.Encoder // not in use
	decoders []*lib.Decoder
	cause    error
	settled  *sync.Cond // state has left warming
}

func init() { engine.settled = sync.NewCond(&engine.mu) }

// States of the engine.
const (
	cold int32 = iota
	warming
	ready
	broken
)

// maxIdle is how many coders are kept for the next call; a coder takes about 0.1 MB.
const maxIdle = 8

// Available tells whether Opus may be offered: there is a compiler for this processor, and the codec has not failed.
func Available() bool {
	return (runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64") && engine.state.Load() != broken
}

// Ready tells whether coders work now.
func Ready() bool { return engine.state.Load() == ready }

// Warm compiles the codec in the background, which takes about a tenth of a second and 19 MB; further calls do nothing.
// Only a program that offers Opus should call it.
func Warm() {
	if Available() && engine.state.CompareAndSwap(cold, warming) {
		go start() // ends by itself
	}
}

// Wait warms and waits until the codec is ready or has failed: for programs that have time, and for tests.
func Wait() error {
	Warm()
	engine.mu.Lock()
	defer engine.mu.Unlock()
	for engine.state.Load() == warming {
		engine.settled.Wait()
	}
	if !Ready() {
		return errors.Join(ErrUnavailable, engine.cause)
	}
	return nil
}

// start compiles the library and tries it once.
func start() {
	engine.mu.Lock()
	defer engine.mu.Unlock()
	defer engine.settled.Broadcast()
	var said bytes.Buffer
	err := quietly(&said, func() error {
		e, err := lib.NewEncoder(Rate, 1, lib.AppVoIP)
		if err != nil {
			return err
		}
		runtime.SetFinalizer(e, nil)
		engine.encoders = append(engine.encoders, e)
		return nil
	})
	if err != nil {
		engine.cause = fmt.Errorf("start Opus: %w %s", plain(err), bytes.TrimSpace(said.Bytes()))
		engine.state.Store(broken)
		return
	}
	engine.state.Store(ready)
}

// quietly runs f with the standard log going to w: the library writes there when it fails, over the user's screen. A
// panic is an error.
func quietly(w io.Writer, f func() error) (err error) {
	before := log.Writer()
	log.SetOutput(w)
	defer log.SetOutput(before)
	return guarded(f)
}

// guarded runs f and turns a panic into an error.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errBroken, r)
		}
	}()
	return f()
}

// plain keeps the library's codes from being turned into text, which it does by calling itself without the lock.
func plain(err error) error {
	var code lib.Error
	if !errors.As(err, &code) {
		return err
	}
	if code == lib.ErrInvalidPacket || code == lib.ErrBufferTooSmall || code == lib.ErrBadArg {
		return ErrPacket
	}
	return fmt.Errorf("%w: code %d", errBroken, int(code))
}

// call runs f with the lock. An error that is not a verdict on a packet means that the instance may be damaged: all
// coders are dropped and it is built anew, once in the life of the process.
func call(f func() error) error {
	switch engine.state.Load() {
	case broken:
		return ErrUnavailable
	case cold:
		Warm()
		return ErrNotReady
	case warming:
		return ErrNotReady
	}
	engine.mu.Lock()
	defer engine.mu.Unlock()
	if engine.state.Load() != ready {
		return ErrNotReady
	}
	err := guarded(f)
	if err == nil {
		return nil
	}
	if err = plain(err); errors.Is(err, ErrPacket) {
		return err
	}
	engine.cause = err
	engine.epoch++
	engine.encoders, engine.decoders = nil, nil
	engine.failures++
	_ = guarded(func() error { return lib.CloseWasmContext(context.Background()) })
	if engine.failures > 1 {
		engine.state.Store(broken)
		return ErrUnavailable
	}
	engine.state.Store(warming)
	go start()
	return fmt.Errorf("%w: %w", ErrNotReady, err)
}
