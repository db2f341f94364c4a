package emulator

import "strings"

// The word lists of the made-up customers.

func words(s string) []string { return strings.Fields(s) }

func firstNames() []string {
	return words(`Amelia Oliver Fatima Liam Chioma Noah Priyanka Arjun Mei Kenji Sofia Mateo Zanele Thabo Ingrid Lars Aoife Cian
		Yusuf Leila Bronwen Rhys Isla Hamish Olga Dmitri Agnieszka Piotr Elif Emre Camille Hugo Giulia Marco Ana Rui Katarina Luka
		Nneka Tunde Hana Jakub Siobhan Declan Farah Imran Ngozi Kwame Saanvi Rohan Linh Minh Yuki Haruto Eun-ji Joon Amara Idris
		Freya Alfie Martha George Beatriz Diego Valentina Santiago Chloé Étienne Jürgen Anneliese Björn Åsa Søren Mette Zoë Renée
		Ibrahim Aaliyah Noor Omar Grace Samuel Ruth Daniel Esther David Miriam Jonas Tilda Oskar Wanjiru Otieno Lucía Pablo`)
}

func lastNames() []string {
	return words(`Abbott Adeyemi Ahmed Andersson Bakker Banerjee Baptiste Becker Bennett Boateng Brennan Campbell Castillo Chakraborty Chen
		Chukwu Clarke Collins Costa Cruz Dang Davies Diallo Dubois Edwards Eriksen Evans Farrell Fernández Fischer Fitzgerald Fontaine Fraser
		Gallagher García Gonzalez Grant Gupta Hansen Harris Hassan Hernández Hughes Hussain Ito Ivanova Jackson Jansen Jensen Johansson Jones Kaur
		Keller Kelly Khan Kim Kowalski Kumar Lam Larsen Lee Lewandowski Lindqvist López MacDonald Malik Mbeki McCarthy Mehta Mensah Meyer
		Mohamed Moreau Morgan Moyo Müller Murphy Nakamura Ncube Nguyen Nielsen Novak O'Brien O'Connor Okonkwo Oliveira Olsen Osei Patel Pereira
		Petrov Pham Pritchard Qureshi Rahman Reid Ribeiro Rodríguez Rossi Roy Saito Sánchez Santos Schmidt Schneider Shah Sharma Silva Singh
		Sørensen Stewart Suzuki Tanaka Taylor Thomas Tran Turner van_Dijk Vasquez Wagner Walker Wang Watson Weber White Williams Wójcik Wright
		Yamamoto Yilmaz Young Zhang Zimmermann`)
}

func companyFirst() []string {
	return words(`Ashdown Beacon Birchwood Bluebell Brightwater Calder Cedar Clearview Copperfield Crescent Deepdale Eastgate Elmfield Fairway
		Foxglove Granite Greenacre Harbour Hawthorn Heron Ironbridge Juniper Kestrel Kingfisher Lakeside Larch Limehouse Marlow Meridian Millstone
		Northgate Oakfield Orchard Osprey Pennine Pinecrest Quayside Redwood Riverside Rowan Sandpiper Silverdale Sparrow Stonebridge Sycamore
		Thornbury Tidewater Umber Valley Waverley Westbrook Whitfield Willow Woodland Wren Yarrow`)
}

func companySecond() []string {
	return words(`Logistics Foods Dental_Care Engineering Textiles Software Brewery Publishing Energy Farms Motors Pharmacy Interiors Plumbing
		Travel Insurance Veterinary_Group Architects Print Robotics`)
}

func jobTitles() []string {
	return []string{"Office Manager", "Head of Operations", "Buyer", "Managing Director", "Accounts Assistant", "IT Manager", "Warehouse Supervisor",
		"Finance Director", "Receptionist", "Service Engineer", "Head of Sales", "Practice Manager", "Facilities Coordinator", "Owner", "Project Manager"}
}

func caseSubjects() []string {
	return []string{"Invoice shows the wrong address", "Delivery has not arrived", "Cannot sign in to the portal", "Handset does not charge",
		"Wants to change the direct debit date", "Line is noisy when it rains", "Upgrade ordered, old price charged", "Replacement part is missing",
		"Engineer did not come", "Please resend the contract", "Router light stays red", "Number port is delayed", "Refund not received",
		"Complaint about waiting time", "Voicemail greeting is lost", "Needs a second user account"}
}

func leadCompanies() []string {
	return []string{"The Corner Bakery", "Patchwork Studio", "Northern Lights Cinema", "Bright Sparks Electrical", "Penny Lane Records", "Moss & Fern Florist",
		"Castle Street Dental", "Second Chapter Books", "Harbour Fish Bar", "Tall Trees Nursery", "Old Mill Bicycles", "Saffron Catering", "Kiln & Clay",
		"Dune Surf School", "Blue Door Lettings", "Fern Hill Cider", "Little Acorns Childcare", "Summit Outdoor", "Ray's Garage", "Velvet Hair"}
}
