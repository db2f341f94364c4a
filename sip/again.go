package sip

// Register registers again now, without waiting for a refresh or the end of a back-off. Without a registrar it does nothing.
func (p *Phone) Register() {
	p.ua.Post(func() {
		if p.reg != nil {
			p.reg.start()
		}
	})
}
