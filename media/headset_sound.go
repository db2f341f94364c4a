package media

import "offhook/media/voice"

// SetProcessing sets what is done to the microphone: high-pass, noise suppression, gain, ducking. The zero value sends it
// as it is. It may change during a call, without a click. The error wraps voice.ErrSettings.
func (h *Headset) SetProcessing(s voice.Settings) error {
	c, err := voice.New(s)
	if err != nil {
		return err
	}
	h.talk.Lock()
	h.old = h.chain.Swap(c)
	h.talk.Unlock()
	return nil
}

// Processing are the settings in use.
func (h *Headset) Processing() voice.Settings {
	if c := h.chain.Load(); c != nil {
		return c.Settings()
	}
	return voice.Settings{}
}

// take is called by the microphone, the clock of the call.
func (h *Headset) take(st *stream, frame []int16) {
	h.talk.Lock()
	defer h.talk.Unlock()
	if len(frame) != Frame {
		return
	}
	if st == h.takes && st.ready() {
		h.taking, h.takes, h.joining = st, nil, true
		close(st.joined)
	}
	if st != h.taking {
		return
	}
	mine := h.mine[:]
	copy(mine, frame)
	if h.joining { // the old microphone is led to zero, the new one comes in
		h.joining = false
		const short = Frame / 4
		for i := range mine {
			mine[i] = mix(0, mine[i], min(i, short), short)
			if i < short {
				mine[i] = clip(float32(mine[i]) + float32(mix(h.spoken, 0, i+1, short)))
			}
		}
	}
	h.spoken = mine[Frame-1]
	h.refine(mine)
	h.in.measure(mine, 0)
	if h.trial != nil {
		h.trial.record(mine)
	}
	if s := h.party(); s != nil {
		s.WriteFrame(mine)
	}
}

// refine processes the microphone, and goes from one processing to another over a frame.
func (h *Headset) refine(mine []int16) {
	c := h.chain.Load()
	if c == nil {
		return
	}
	old := h.old
	h.old = nil
	if old == nil {
		c.Process(mine)
		return
	}
	copy(h.before[:], mine)
	old.Process(h.before[:])
	c.Process(mine)
	for i, v := range h.before {
		mine[i] = mix(v, mine[i], i, Frame)
	}
}

// fill is called by the loudspeaker.
func (h *Headset) fill(st *stream, frame []int16) {
	h.sound.Lock()
	defer h.sound.Unlock()
	if len(frame) != Frame {
		clear(frame)
		return
	}
	if st == h.fills && st.ready() {
		h.filling, h.fills = st, nil
		h.entered = 0
		close(st.joined)
	}
	if st != h.filling { // another loudspeaker took over: this one ends softly
		clear(frame)
		const short = Frame / 4
		for i := range short {
			frame[i] = mix(st.last, 0, i+1, short)
		}
		st.last = 0
		return
	}
	h.render(frame)
	if st.waited > 0 && h.entered == 0 {
		const short = Frame / 4
		for i := range short {
			frame[i] = mix(0, frame[i], i, short)
		}
	}
	h.entered = 1
	st.last = frame[Frame-1]
	if c := h.chain.Load(); c != nil {
		c.Heard(frame)
	}
	h.out.measure(frame, 0)
}

// render makes the next frame for the ear.
func (h *Headset) render(frame []int16) {
	s := h.party()
	if s != nil {
		s.ReadFrame(frame)
	} else {
		clear(frame)
	}
	if s != h.playing {
		h.fade(frame)
		h.playing = s
	}
	if h.trial != nil {
		h.trial.play(frame)
	}
	ended := false
	if h.tone != nil && !h.mixTone(h.tone, h.fading, frame) {
		h.tone, h.fading, ended = nil, false, true
	}
	if h.over != nil && !h.mixTone(h.over, h.ending, frame) {
		h.over, h.ending, ended = nil, false, true
	}
	if ended {
		h.tidyUp()
	}
	h.limiter.process(frame)
	h.last = frame[Frame-1]
}

// fade goes from the session played before to what is in frame. A session that has been closed says nothing any more:
// then only its last sample is led to zero.
func (h *Headset) fade(frame []int16) {
	old := h.other[:]
	clear(old)
	if free(h.playing, h.party()) {
		h.playing.ReadFrame(old)
	}
	if energy(old) == 0 {
		const short = Frame / 4
		for i := range short {
			old[i] = mix(h.last, 0, i+1, short)
		}
	}
	for i := range frame {
		frame[i] = clip(float32(old[i])*float32(Frame-i)/Frame + float32(frame[i])*float32(i)/Frame)
	}
}

// mixTone adds a tone's next frame, its last one when it ends, and tells whether there is more.
func (h *Headset) mixTone(t *TonePlayer, ends bool, frame []int16) bool {
	clear(h.other[:])
	more := t.Mix(h.other[:])
	for i, v := range h.other {
		if ends {
			v = mix(v, 0, i, Frame)
		}
		frame[i] = clip(float32(frame[i]) + float32(v))
	}
	return more && !ends
}
