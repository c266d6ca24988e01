PLACES = ()
