package sip

import "offhook/sip/watch"

// watchMachine tells the phone of sleep and of changes of the network, unless somebody else does.
func (p *Phone) watchMachine() {
	if p.acc.Unwatched || p.acc.net.listen != nil {
		return
	}
	w := watch.New(watch.Config{})
	p.jobs.Go(func() {
		defer w.Close()
		for {
			select {
			case <-p.ctx.Done():
				return
			case e := <-w.Events():
				p.log.Info("registering again", "because", e.Kind, "slept", e.Slept)
				p.NetworkChanged()
			}
		}
	})
}
