"""`laneway replay`: a judge tried on recorded traffic."""
