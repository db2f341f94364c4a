package media

// party is what the headset talks to: a session or a conference.
type party interface {
	WriteFrame(pcm []int16)
	ReadFrame(pcm []int16)
}

// party is whom the headset talks to now, or nil.
func (h *Headset) party() party {
	if m := h.mixing.Load(); m != nil {
		return m
	}
	if s := h.active.Load(); s != nil {
		return s
	}
	return nil
}

// free tells whether the last party may still be read, to fade it out: sessions that went into a conference, or came
// out of one, are read by another now.
func free(last, now party) bool {
	if last == nil {
		return false
	}
	_, a := last.(*Mix)
	_, b := now.(*Mix)
	return !a && !b
}

// ConnectMix makes a conference what is talked on, as Connect does with a session; it is the conference's clock from
// then on. Connect or DisconnectMix end that. The session that was talked on is the caller's when it returns: Add it then,
// and going the other way Remove it before Connect, so that the devices stay open.
func (h *Headset) ConnectMix(m *Mix) error {
	h.control.Lock()
	defer h.control.Unlock()
	if h.closed {
		return ErrClosed
	}
	h.endTrial(ErrBusy)
	h.mixing.Store(m)
	h.active.Store(nil)
	h.talk.Lock() // a frame that was on its way to the session is through after this
	h.sound.Lock()
	h.sound.Unlock()
	h.talk.Unlock()
	return h.open()
}

// DisconnectMix takes m off the headset, if it is on it.
func (h *Headset) DisconnectMix(m *Mix) {
	h.control.Lock()
	defer h.control.Unlock()
	if m != nil && h.mixing.CompareAndSwap(m, nil) {
		h.closeIdle()
	}
}

// Mix is the conference that is talked on, or nil.
func (h *Headset) Mix() *Mix { return h.mixing.Load() }
