"""ONVIF as devices speak it: the conversation (``client``, over ``http_client``), its texts (``soap``, ``xml_reader``),
and what is known from answers (``reading``, ``facts``)."""
