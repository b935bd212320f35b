"""Reading a delivery: into its events, each raw as it is kept, and each event as what it says, for every provider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.domain.connections import dataverse, generic, hubspot, pipedrive, salesforce
from app.domain.connections.model import Event, Noun, Provider, Raw
from app.domain.connections.salesforce import Element
from app.domain.connections.texts import UnreadableDelivery, parse

_FIELDS: Mapping[Provider, Mapping[Noun, Mapping[str, str]]] = {
    Provider.HUBSPOT: hubspot.FIELDS,
    Provider.SALESFORCE: salesforce.FIELDS,
    Provider.SALESFORCE_FLOW: generic.FIELDS,
    Provider.DATAVERSE: dataverse.FIELDS,
    Provider.PIPEDRIVE: pipedrive.FIELDS,
    Provider.STANDARD_WEBHOOKS: generic.FIELDS,
    Provider.CLOUDEVENTS: generic.FIELDS,
}
_READ = {
    Provider.HUBSPOT: hubspot.read,
    Provider.SALESFORCE: salesforce.read,
    Provider.SALESFORCE_FLOW: generic.read,
    Provider.DATAVERSE: dataverse.read,
    Provider.PIPEDRIVE: pipedrive.read,
    Provider.STANDARD_WEBHOOKS: generic.read,
    Provider.CLOUDEVENTS: generic.read_cloudevent,
}


def split(provider: Provider, body: bytes, headers: Mapping[str, str], envelope: Element | None) -> Sequence[Raw]:
    """The events of a delivery, raw. `envelope` is the body of an Outbound Message, read as XML.

    Raises UnreadableDelivery or NotCloudEvents.
    """
    match provider:
        case Provider.SALESFORCE:
            if envelope is None:
                raise UnreadableDelivery("The body is no Outbound Message")
            return salesforce.split(envelope)
        case Provider.CLOUDEVENTS:
            return generic.split_cloudevents(body, headers)
        case Provider.HUBSPOT:
            return hubspot.split(parse(body))
        case Provider.DATAVERSE:
            return dataverse.split(parse(body), headers)
        case Provider.PIPEDRIVE:
            return pipedrive.split(parse(body))
        case Provider.SALESFORCE_FLOW:
            return generic.split_flow(parse(body))
        case _:
            return generic.split_standard(parse(body), headers)


def read(provider: Provider, raw: Raw) -> Event:
    """What a raw event says, with its fields by the names that its system has for them. Raises UnreadableEvent."""
    return _READ[provider](raw)


def names_of(provider: Provider, noun: Noun) -> Mapping[str, str]:
    """Our names of a provider's fields."""
    return _FIELDS[provider].get(noun, {})
