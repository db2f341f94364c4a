package media

import (
	"errors"
	"time"

	"offhook/media/device"
)

// Switch moves to the devices that are chosen now, in the middle of a call if need be: the new ones are opened while the
// old ones serve, and take over once they live, without a click and without a gap. Nothing happens while the devices
// are closed; they open as chosen. When a new device cannot be opened, the old one stays and the error says so. It
// takes the time until the new devices live, usually 50 ms and 0.2 s at most; a call that is connected meanwhile waits.
func (h *Headset) Switch(input, output bool) error {
	h.control.Lock()
	defer h.control.Unlock()
	if h.closed {
		return ErrClosed
	}
	var errs []error
	var mic, speaker *stream
	if input && h.mic != nil {
		st, err := h.startMic(&h.takes)
		errs = append(errs, err)
		mic = st
	}
	if output && h.speaker != nil {
		st, err := h.startSpeaker(&h.fills)
		if errors.Is(err, device.ErrBusy) { // one file cannot be written twice: first close, then open
			h.speaker.device.Close()
			h.speaker = nil
			err = h.openSpeaker()
		}
		errs = append(errs, err)
		speaker = st
	}
	limit := time.NewTimer(500 * time.Millisecond)
	defer limit.Stop()
	for _, st := range []*stream{mic, speaker} {
		if st == nil {
			continue
		}
		select {
		case <-st.joined:
		case <-limit.C:
			limit.Reset(0)
		}
	}
	if mic != nil {
		h.talk.Lock()
		h.taking, h.takes = mic, nil
		h.talk.Unlock()
		errs = append(errs, h.mic.device.Close())
		h.mic = mic
	}
	if speaker != nil {
		h.sound.Lock()
		h.filling, h.fills = speaker, nil
		h.sound.Unlock()
		old := h.speaker
		h.speaker = speaker
		h.tidy.Go(func() {
			time.Sleep(playOut)
			_ = old.device.Close() // nobody listens to it any more
		})
	}
	return errors.Join(errs...)
}
