"""The year: a district's eleven months of 2020, driven through the services from outside."""
