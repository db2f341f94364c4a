package media

import "net/netip"

// Session is one RTP stream in each direction with its RTCP. Methods may be called from any goroutine, but WriteFrame
// from one at a time, and ReadFrame from one at a time.
type Session struct{}

// Listen binds a pair of ports and starts receiving; nothing is accepted or sent before Configure.
func Listen(cfg Config) (*Session, error) { return &Session{}, nil }

// LocalRTP is the bound address for RTP.
func (s *Session) LocalRTP() netip.AddrPort { return netip.AddrPort{} }

// LocalRTCP is the bound address for RTCP.
func (s *Session) LocalRTCP() netip.AddrPort { return netip.AddrPort{} }

// Configure starts the session with what was negotiated, or changes it while it runs.
func (s *Session) Configure(p Params) error { return nil }

// WriteFrame takes 10 ms from the microphone.
func (s *Session) WriteFrame(pcm []int16) {}

// ReadFrame fills 10 ms for the loudspeaker.
func (s *Session) ReadFrame(pcm []int16) {}

// SetMute replaces the microphone by silence.
func (s *Session) SetMute(on bool) {}

// SendDTMF queues digits 0–9, *, #, A–D; a comma is a pause of half a second.
func (s *Session) SendDTMF(digits string) error { return nil }

// Stats is the session's quality now.
func (s *Session) Stats() Stats { return Stats{} }

// Close says BYE and ends the session's goroutines.
func (s *Session) Close() error { return nil }
