"""The witnesses of the year: four accounts, from four places, by code that they do not share."""
