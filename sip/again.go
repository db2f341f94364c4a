package sip

// Register registers again now, without waiting for a refresh or the end of a back-off. Without a registrar it does nothing.
func (p *Phone) Register() {
	p.ua.Post(func() {
		for _, r := range p.regs {
			r.moved = nil
			r.start()
		}
	})
}
