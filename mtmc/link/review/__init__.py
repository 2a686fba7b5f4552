"""People in the loop: which links are worth a look (``proposals``), what vehicles say against themselves
(``consistency``), and what follows from what is said (``wishes``)."""
